"""Batches as the audit meets them, built with the codec that it must not use itself."""

from collections.abc import Sequence
from dataclasses import replace

from audit.batch.decode import ReadBatch, read_batch
from audit.chain.assets import BY_OPERATOR, Asset, Terms
from audit.chain.batches import Batch
from audit.difference import Differences
from ledger.protocol.attribution import attribution_hash
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt

OPERATOR = b"\x0e" * 20
PAYERS = (b"\x01" * 20, b"\x02" * 20, b"\x03" * 20)
COMMITTED_AT = 1_700_000_000
HASHES = (b"\x01" + bytes(31), b"\x01" + b"\x22" * 31)


def receipt(seq: int = 0, **changes: object) -> Receipt:
    """A receipt at price (1000, 2000) per 1000 units: 10 in and 5 out cost 20."""
    plain = Receipt(
        operator=OPERATOR, lane=3, seq=seq, payer=PAYERS[0], asset_id=1, request_hash=bytes(32), response_hash=bytes(32),
        input_units=10, output_units=5, fee_units=20, attribution_hash=bytes(32), started_at=COMMITTED_AT - 600,
        duration_ms=1500,
    )  # fmt: skip
    return replace(plain, **changes)


def entry(one: Receipt, attribution: tuple = ()) -> BatchEntry:
    one = replace(one, attribution_hash=attribution_hash(attribution))
    return BatchEntry(one, keccak256(one.struct_hash()), attribution)


def committed(encoded: EncodedBatch, **changes: object) -> Batch:
    """The batch as an honest commit of these blobs would log it."""
    header = encoded.header
    hashes = HASHES[: header.blob_count]
    fields = {
        "operator": header.operator, "lane": header.lane, "firstSeq": header.first_seq, "count": header.count,
        "payerCount": header.payer_count, "setFeCount": header.set_fe_count, "totalFee": header.total_fee_units,
        "blobCount": header.blob_count, "baseTime": header.base_time,
        "attributionMethod": header.attribution_method, "attributionParamsHash": header.attribution_params_hash,
    }  # fmt: skip
    batch = Batch(
        batch_id=1, header=fields, versioned_hashes=hashes, charges=tuple(tuple(charge) for charge in encoded.charges),
        commitment=batch_commitment(header, hashes, encoded.charges), committed_at=COMMITTED_AT,
        first_committed_at=COMMITTED_AT, terms_from=COMMITTED_AT - 86_400, attested_at=COMMITTED_AT - 60,
        committed_in=(100, 0),
    )  # fmt: skip
    return replace(batch, **changes)


def batch_of(entries: Sequence[BatchEntry]) -> tuple[Batch, ReadBatch]:
    """(the commit, what the audit reads in its blobs)."""
    encoded = encode(entries)
    return committed(encoded), read_batch(encoded.blobs)


def terms(**changes: object) -> Terms:
    plain = Terms(
        version=1, effective_at=0, royalty_ppm=200_000, data_ppm=400_000, floor_input_price_units=0,
        floor_output_price_units=0, mode=BY_OPERATOR, datasets=(7, 8), shares=((b"\xaa" * 20, 10**12),),
    )  # fmt: skip
    return replace(plain, **changes)


def asset(asset_id: int, kind: int, *versions: Terms) -> Asset:
    return Asset(asset_id, kind, (1, asset_id), list(versions) or [terms()])


def fields(differences: Differences) -> list[str]:
    """Names of the fields in which differences were found, in order."""
    return [difference.field for difference in differences.kept]
