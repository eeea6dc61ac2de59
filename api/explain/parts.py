"""Rows of the index as parts of an explain file, each sealed."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from api.queries import batches as batch_queries
from ledger.protocol.contributors import Contributor, row_of
from ledger.protocol.explain.document import (
    BatchPart,
    ChainPart,
    ChargeLine,
    HeaderPart,
    ListPart,
    PlaceLine,
    ShareLine,
    SumLine,
    TermsPart,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Row

    from api.reading import Reading
    from ledger.protocol.explain.document import BlobPart, OpeningPart


def chain_part(reading: Reading) -> ChainPart:
    """The contracts and the protocol's share."""
    facts = reading.facts
    return ChainPart(
        l2_chain_id=facts.l2_chain_id,
        registry=facts.contracts["registry"],
        ledger=facts.contracts["ledger"],
        distributor=facts.contracts["distributor"],
        token=facts.contracts["token"],
        protocol_payee=facts.protocol_payee,
        protocol_ppm=facts.protocol_ppm,
    ).sealed()


def terms_parts(terms: Iterable[Row[Any]], shares: Iterable[Row[Any]]) -> list[TermsPart]:
    """Terms with their effective shares."""
    held: dict[tuple[int, int], list[ShareLine]] = {}
    for row in shares:
        line = ShareLine(payee=bytes(row.payee), share=int(row.share)).sealed()
        held.setdefault((row.asset_id, row.version), []).append(line)
    return [
        TermsPart(
            asset_id=row.asset_id,
            version=row.version,
            effective_at=row.effective_at,
            royalty_ppm=row.royalty_ppm,
            data_ppm=row.data_ppm,
            mode=row.mode,
            datasets=list(row.datasets),
            effective_shares=held.get((row.asset_id, row.version), []),
        ).sealed()
        for row in terms
    ]


def list_parts(rows: Iterable[Row[Any]]) -> list[ListPart]:
    """Contributor lists with their rows, which come in the lists' order."""
    return [
        ListPart(
            list_id=list_id,
            root=bytes(root),
            rows=[row_of(Contributor(bytes(row.contributor), int(row.weight))) for row in of_one],
        ).sealed()
        for (list_id, root), of_one in groupby(rows, key=attrgetter("list_id", "root"))
    ]


def place_line(row: Row[Any]) -> PlaceLine:
    """A receipt in its batch."""
    return PlaceLine(
        position=row.position,
        digest31=bytes(row.digest31),
        seq=row.seq,
        payer=bytes(row.payer),
        asset_id=row.asset_id,
        fee=int(row.fee_units),
        input_units=row.input_units,
        output_units=row.output_units,
        started_at=row.started_at,
    ).sealed()


def batch_part(
    reading: Reading,
    batch: Row[Any],
    receipts: Iterable[Row[Any]],
    blobs: list[BlobPart],
    openings: list[OpeningPart],
) -> BatchPart:
    """A batch with its charges, sums and what proves them."""
    charges = batch_queries.charges(reading, batch.batch_id, batch.fill)
    sums = batch_queries.sums(reading, batch.batch_id, batch.fill)
    return BatchPart(
        batch_id=batch.batch_id,
        fill=batch.fill,
        first_committed_at=batch.first_committed_at,
        terms_from=batch.terms_from,
        finalized_l2_block=batch.finalized_block_number,
        header=_header(batch),
        versioned_hashes=[bytes(blob_hash) for blob_hash in batch.versioned_hashes],
        charges=[ChargeLine(payer=bytes(row.payer), amount=int(row.amount_units)).sealed() for row in charges],
        batch_commitment=bytes(batch.batch_commitment),
        sums=[
            SumLine(
                asset_id=row.asset_id,
                asset_version=row.asset_version,
                dataset_id=row.dataset_id,
                dataset_version=row.dataset_version,
                weighted_fee=int(row.weighted_fee_units),
            ).sealed()
            for row in sums
        ],
        receipts=[place_line(row) for row in receipts],
        blobs=blobs,
        openings=openings,
    ).sealed()


def _header(batch: Row[Any]) -> HeaderPart:
    return HeaderPart(
        operator=bytes(batch.operator),
        lane=batch.lane,
        first_seq=batch.first_seq,
        count=batch.count,
        payer_count=batch.payer_count,
        set_fe_count=batch.set_fe_count,
        total_fee=int(batch.total_fee_units),
        blob_count=batch.blob_count,
        base_time=batch.base_time,
        attribution_method=bytes(batch.attribution_method),
        attribution_params_hash=bytes(batch.attribution_params_hash),
    ).sealed()
