"""Rows of batches and receipts as the API shows them."""

from typing import Any

from sqlalchemy import Row

from api.finality import Finality
from api.reading import Reading
from api.schemas.batches import BatchLine, Closing, Place, Receipt, SetEntry
from api.schemas.costs import TransactionCost
from api.schemas.figures import Amount, address, amount, hex_of
from ledger.protocol.blob.layout import FES_PER_BLOB, a_position, b_position


def batch_line(reading: Reading, row: Row[Any]) -> dict[str, Any]:
    """Fields of a BatchLine."""
    return {
        "batch_id": row.batch_id,
        "fill": row.fill,
        "operator": address(row.operator),
        "lane": row.lane,
        "first_seq": row.first_seq,
        "count": row.count,
        "payer_count": row.payer_count,
        "total_fee": amount(reading, int(row.total_fee_units), row.block_number),
        "status": row.status,
        "verdict": row.verdict,
        "batch_commitment": hex_of(row.batch_commitment),
        "post_hash": hex_of(row.post_hash),
        "versioned_hashes": [hex_of(versioned_hash) for versioned_hash in row.versioned_hashes],
        "committed_at": row.committed_at,
        "first_committed_at": row.first_committed_at,
        "terms_from": row.terms_from,
        "attested_at": row.attested_at or None,
        "finalized": _closing(reading, row, "finalized"),
        "voided": _closing(reading, row, "voided"),
    }


def as_line(reading: Reading, row: Row[Any]) -> BatchLine:
    """A batch in a list."""
    return BatchLine(**batch_line(reading, row))


def _closing(reading: Reading, row: Row[Any], how: str) -> Closing | None:
    number = getattr(row, f"{how}_block_number")
    if number is None:
        return None
    return Closing(at=getattr(row, f"{how}_at"), finality=reading.l2.of(number), block=number)


def transaction_cost(reading: Reading, row: Row[Any]) -> TransactionCost:
    """A transaction of a batch, on the chain where it stands."""
    heads = reading.l2 if row.chain_id == reading.facts.l2_chain_id else reading.l1
    return TransactionCost(
        purpose=row.purpose,
        chain_id=row.chain_id,
        block=row.block_number,
        tx_hash=hex_of(row.tx_hash),
        gas_used=row.gas_used,
        blob_gas_used=row.blob_gas_used,
        fee_wei=None if row.fee_wei is None else str(int(row.fee_wei)),
        finality=Finality.UNSAFE if heads is None else heads.of(row.block_number),
    )


def posted_receipt(reading: Reading, row: Row[Any], batch: Row[Any]) -> Receipt:
    """A receipt of a batch; it stands on the block of the batch's commit, not of its finalisation."""
    entries = zip(row.asset_ids or [], row.ppms or [], strict=True)
    return Receipt(
        operator=address(batch.operator),
        lane=batch.lane,
        seq=row.seq,
        digest31=hex_of(row.digest31),
        payer=address(row.payer),
        asset_id=row.asset_id,
        asset_version=row.asset_version,
        fee=amount(reading, int(row.fee_units), batch.block_number),
        input_units=row.input_units,
        output_units=row.output_units,
        started_at=row.started_at,
        attribution_set=[SetEntry(asset_id=asset_id, ppm=ppm) for asset_id, ppm in entries],
        batch_status=batch.status,
        place=_place(row, batch),
    )


def _place(row: Row[Any], batch: Row[Any]) -> Place:
    (blob_a, index_a), (blob_b, index_b) = (divmod(at(row.position), FES_PER_BLOB) for at in (a_position, b_position))
    return Place(
        batch_id=row.batch_id,
        fill=row.fill,
        position=row.position,
        versioned_hash_a=hex_of(batch.versioned_hashes[blob_a]),
        index_a=index_a,
        versioned_hash_b=hex_of(batch.versioned_hashes[blob_b]),
        index_b=index_b,
    )


def pending_receipt(row: Row[Any]) -> Receipt:
    """A receipt that a gateway issued and nobody has posted yet."""
    return Receipt(
        operator=address(row.operator),
        lane=row.lane,
        seq=row.seq,
        digest31=hex_of(bytes(row.digest)[:31]),
        payer=address(row.payer),
        asset_id=row.asset_id,
        asset_version=None,
        fee=Amount(units=str(row.fee_units), finality=Finality.PENDING, block=None),
        input_units=row.input_units,
        output_units=row.output_units,
        started_at=row.started_at,
        attribution_set=[SetEntry(asset_id=asset_id, ppm=ppm) for asset_id, ppm in row.attribution_set],
        batch_status=None,
        place=None,
    )
