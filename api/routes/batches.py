"""GET /v1/batches: what was posted and committed, by whom, and what is wrong with it."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Row

from api.parameters import AddressQuery, Cursor, IdPath, IdSort, Limit, cursor_after, key_of, optional_address
from api.queries import batches as queries
from api.queries import costs as cost_queries
from api.reading import CurrentReading, Reading
from api.routes.batch_lines import as_line, batch_line, posted_receipt, transaction_cost
from api.schemas.batches import (
    Batch,
    BatchLine,
    BatchStatus,
    Charge,
    Finding,
    Post,
    Receipt,
    ReceiptAnswer,
    Verdict,
    WeightedFee,
)
from api.schemas.figures import Page, ReadAt, address, amount, hex_of
from ledger.errors import NotFoundError

router = APIRouter(prefix="/batches", tags=["batches"])

Fill = Annotated[int | None, Query(ge=0, description="A filling of the batch; the newest if left out.")]


@dataclass(frozen=True, slots=True)
class Only:
    """Which batches a list shows."""

    operator: AddressQuery = None
    lane: Annotated[int | None, Query(ge=0, le=65_535)] = None
    status: BatchStatus | None = None
    verdict: Verdict | None = None


@router.get("")
def list_batches(
    reading: CurrentReading,
    only: Annotated[Only, Depends()],
    sort: IdSort = "-id",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[BatchLine]:
    """Batches, newest first unless `sort` says otherwise; every filling of a batch is an item."""
    key = key_of(cursor, (int, int))
    rows = queries.batches(
        reading,
        past=None if key is None else (int(key[0]), int(key[1])),
        rising=sort == "id",
        limit=limit + 1,
        operator=optional_address(only.operator),
        lane=only.lane,
        status=only.status,
        verdict=only.verdict,
    )
    shown = rows[:limit]
    following = cursor_after(shown[-1].batch_id, shown[-1].fill) if len(rows) > limit else None
    items = [as_line(reading, row) for row in shown]
    return Page[BatchLine](read_at=ReadAt.of(reading), items=items, next_cursor=following)


@router.get("/{batch_id}")
def one_batch(reading: CurrentReading, batch_id: IdPath) -> Batch:
    """A batch: header, charges, sums by asset and dataset, findings; its newest filling, older ones beside it."""
    newest, *earlier = _fills(reading, batch_id)
    return Batch(
        **batch_line(reading, newest),
        read_at=ReadAt.of(reading),
        set_fe_count=newest.set_fe_count,
        blob_count=newest.blob_count,
        base_time=newest.base_time,
        attribution_method=hex_of(newest.attribution_method),
        attribution_params_hash=hex_of(newest.attribution_params_hash),
        reserve=amount(reading, int(newest.reserve_units), newest.block_number),
        post=_post(reading, newest),
        costs=[transaction_cost(reading, row) for row in cost_queries.of_batch(reading, batch_id, newest.fill)],
        charges=[
            Charge(
                position=row.position,
                payer=address(row.payer),
                amount=amount(reading, int(row.amount_units), newest.block_number),
            )
            for row in queries.charges(reading, batch_id, newest.fill)
        ],
        sums=[_sum(row) for row in queries.sums(reading, batch_id, newest.fill)],
        findings=[_finding(reading, row) for row in queries.findings(reading, batch_id)],
        earlier_fillings=[as_line(reading, row) for row in earlier],
    )


@router.get("/{batch_id}/receipts")
def batch_receipts(
    reading: CurrentReading, batch_id: IdPath, fill: Fill = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[Receipt]:
    """A batch's receipts by position: sorted by payer, then seq. Empty until its blobs are read."""
    batch = _fill(reading, batch_id, fill)
    key = key_of(cursor, (int,))
    rows = queries.receipts(reading, batch_id, batch.fill, -1 if key is None else int(key[0]), limit + 1)
    shown = rows[:limit]
    following = cursor_after(shown[-1].position) if len(rows) > limit else None
    items = [posted_receipt(reading, row, batch) for row in shown]
    return Page[Receipt](read_at=ReadAt.of(reading), items=items, next_cursor=following)


@router.get("/{batch_id}/receipts/{position}")
def one_receipt(reading: CurrentReading, batch_id: IdPath, position: IdPath, fill: Fill = None) -> ReceiptAnswer:
    """The receipt at a position of a batch."""
    batch = _fill(reading, batch_id, fill)
    rows = queries.receipts(reading, batch_id, batch.fill, position - 1, 1)
    if not rows or rows[0].position != position:
        raise NotFoundError(f"Batch {batch_id} has no receipt at position {position}, or its blobs are not read yet.")
    return ReceiptAnswer(**posted_receipt(reading, rows[0], batch).model_dump(), read_at=ReadAt.of(reading))


def _fills(reading: Reading, batch_id: int) -> list[Row[Any]]:
    fills = queries.fills(reading, batch_id)
    if not fills:
        raise NotFoundError(f"There is no batch {batch_id}; GET /v1/batches lists them.")
    return fills


def _fill(reading: Reading, batch_id: int, fill: int | None) -> Row[Any]:
    for row in _fills(reading, batch_id):
        if fill in (None, row.fill):
            return row
    raise NotFoundError(f"Batch {batch_id} has no filling {fill}.")


def _post(reading: Reading, batch: Row[Any]) -> Post | None:
    row = queries.post(reading, bytes(batch.post_hash))
    if row is None or reading.l1 is None:
        return None
    return Post(
        l1_chain_id=row.chain_id,
        l1_block=row.block_number,
        l1_time=row.l1_time,
        tx_hash=hex_of(row.tx_hash),
        finality=reading.l1.of(row.block_number),
    )


def _sum(row: Row[Any]) -> WeightedFee:
    return WeightedFee(
        asset_id=row.asset_id,
        asset_version=row.asset_version,
        dataset_id=row.dataset_id or None,
        dataset_version=row.dataset_version if row.dataset_id else None,
        weighted_fee_units=str(row.weighted_fee_units),
        receipts=row.receipts,
    )


def _finding(reading: Reading, row: Row[Any]) -> Finding:
    return Finding(
        fill=row.fill or 0,
        rule=row.rule,
        voids=row.voids,
        challenge=row.challenge,
        evidence=row.evidence,
        finality=reading.l2.of(row.block_number),
        block=row.block_number,
    )
