"""GET /v1/contributors: what a payee earns, from which use, at which finality; what it was paid; its claim's proof."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy import Row

from api.earners import Earners, Line
from api.parameters import (
    LARGEST_ID,
    AddressPath,
    Cursor,
    Limit,
    address_of,
    as_key,
    cursor_after,
    key_of,
    ranked_after,
)
from api.queries import contributors as queries
from api.reading import CurrentReading, Reading
from api.schemas.contributors import (
    ClaimProof,
    Contributor,
    ContributorLine,
    DayEarnings,
    Earned,
    Earnings,
    Payment,
    Payments,
    SkippedClaim,
    Source,
    SourceEarnings,
)
from api.schemas.figures import ExactFigure, Figure, Page, ReadAt, address, amount, hex_of
from ledger.errors import NotFoundError, NotYetFinalError
from ledger.protocol.distribution import proof_positions
from ledger.protocol.entitlement import floor_units

router = APIRouter(prefix="/contributors", tags=["contributors"])

FOR_EVER = 2**40
DAY_SECONDS = 86_400
Day = Annotated[dt.date | None, Query(description="UTC day, as 2026-11-20.")]


Sort = Annotated[
    Literal["address", "-earned"], Query(description="By rising address; `-earned`: those who earned most first.")
]


@router.get("")
def list_contributors(
    request: Request, reading: CurrentReading, sort: Sort = "address", cursor: Cursor = None, limit: Limit = 50
) -> Page[ContributorLine]:
    """Every payee, with all it earned and was paid through the finalised L2 block."""
    if reading.l2.finalized is None:
        raise NotYetFinalError("The index has no finalised L2 block yet; try again in a moment.")
    through = reading.l2.finalized.number
    lines, key = _earners(request.app.state.earners, reading, through, sort, cursor, limit + 1)
    shown = lines[:limit]
    paid = queries.paid_to(reading, [payee for payee, _ in shown], through)
    items = [
        ContributorLine(
            address=address(payee),
            earned_numerator=str(numerator),
            earned=amount(reading, floor_units(numerator), through),
            paid=amount(reading, paid.get(payee, 0), through),
        )
        for payee, numerator in shown
    ]
    following = cursor_after(*key(shown[-1])) if len(lines) > limit else None
    return Page[ContributorLine](read_at=ReadAt.of(reading), items=items, next_cursor=following)


def _earners(
    earners: Earners, reading: Reading, through: int, sort: Sort, cursor: str | None, limit: int
) -> tuple[list[Line], Callable[[Line], tuple[bytes, ...]]]:
    """A page's lines in the order asked for, and what a cursor holds of a line."""
    if sort == "-earned":
        lines = earners.by_earned(reading, through, ranked_after(cursor), limit)
        return lines, lambda line: (as_key(line[1]), line[0])
    after = key_of(cursor, (bytes,))
    lines = earners.by_address(reading, through, b"" if after is None else bytes(after[0]), limit)
    return lines, lambda line: (line[0],)


@router.get("/{payee}")
def one_contributor(reading: CurrentReading, payee: AddressPath) -> Contributor:
    """What an address has earned, by asset and reason, what is published for it, claimable, and paid.

    An address that never earned anything is answered with zeros.
    """
    who = address_of(payee)
    rows = queries.earnings(reading, who, 0, FOR_EVER)
    paid = queries.paid(reading, who)
    roots = queries.published(reading, who)
    active = next((row for row in roots if row.active), None)
    pending = next((row for row in reversed(roots) if not row.active), None)
    wanted = queries.recipient(reading, who)
    return Contributor(
        read_at=ReadAt.of(reading),
        address=address(who),
        recipient=address(who if wanted is None or not any(wanted.recipient) else wanted.recipient),
        earned=_earned(reading, rows),
        by_source=_by_source(reading, rows),
        paid=Figure.of(reading, lambda tier: int(getattr(paid, tier))),
        published=_published(reading, roots),
        claimable=_claimable(reading, active, int(paid.unsafe)),
        root_index=None if active is None else active.root_index,
        next_root_index=None if pending is None else pending.root_index,
        expected_payable_at=None if pending is None else pending.activates_at,
    )


@router.get("/{payee}/earnings")
def earnings(reading: CurrentReading, payee: AddressPath, since: Day = None, until: Day = None) -> Earnings:
    """What an address earned from batches first committed on the days from `since` to `until`, both included."""
    who = address_of(payee)
    rows = queries.earnings(reading, who, _second(since, 0), _second(until, FOR_EVER, whole_day=True))
    return Earnings(
        read_at=ReadAt.of(reading),
        address=address(who),
        total=_earned(reading, rows),
        by_source=_by_source(reading, rows),
        by_day=[
            DayEarnings(day=day, **_earned(reading, part).model_dump())
            for day, part in _grouped(rows, lambda row: row.day).items()
        ],
    )


@router.get("/{payee}/payments")
def payments(reading: CurrentReading, payee: AddressPath, cursor: Cursor = None, limit: Limit = 50) -> Payments:
    """Claims that were paid, newest first, and the newest that the contract had to skip."""
    who = address_of(payee)
    key = key_of(cursor, (int, int))
    before = (LARGEST_ID, 0) if key is None else (int(key[0]), int(key[1]))
    rows = queries.claims(reading, who, before, limit + 1)
    shown = rows[:limit]
    return Payments(
        read_at=ReadAt.of(reading),
        items=[Payment.of(reading, row) for row in shown],
        skipped=[
            SkippedClaim(
                root_index=row.root_index,
                reason=hex_of(row.reason),
                at=row.at,
                finality=reading.l2.of(row.block_number),
                block=row.block_number,
            )
            for row in queries.skipped(reading, who)
        ],
        next_cursor=cursor_after(shown[-1].block_number, shown[-1].log_index) if len(rows) > limit else None,
    )


@router.get("/{payee}/claim")
def claim(
    reading: CurrentReading, payee: AddressPath, root_index: Annotated[int | None, Query(ge=1)] = None
) -> ClaimProof:
    """The proof with which anyone can have this address paid: of the newest root, or of `root_index`."""
    who = address_of(payee)
    roots = [row for row in queries.published(reading, who) if root_index in (None, row.root_index)]
    known = [row for row in roots if row.leaf_position is not None]
    if not known:
        raise NotFoundError(f"No standing root on record here owes {address(who)} a whole base unit.")
    row = known[0]
    places = proof_positions(row.leaf_position)
    nodes = queries.tree_nodes(reading, row.distribution_id, [*places, 0])
    claimed = int(queries.paid(reading, who).unsafe)
    return ClaimProof(
        read_at=ReadAt.of(reading),
        distributor=address(reading.facts.contracts["distributor"]),
        root_index=row.root_index,
        root=hex_of(nodes[0]),
        payee=address(who),
        cumulative_units=str(row.cumulative_units),
        numerator=str(row.numerator),
        claimable=amount(reading, max(0, int(row.cumulative_units) - claimed), row.block_number),
        active=row.active,
        activates_at=row.activates_at,
        proof=[hex_of(nodes[place]) for place in places],
    )


def _published(reading: Reading, roots: Sequence[Row[Any]]) -> Any:
    newest = next((row for row in roots if row.distribution_id is not None), None)
    return None if newest is None else amount(reading, int(newest.cumulative_units or 0), newest.block_number)


def _claimable(reading: Reading, active: Row[Any] | None, paid_units: int) -> Any:
    if active is None or active.distribution_id is None:
        return None
    due = max(0, int(active.cumulative_units or 0) - paid_units)
    return amount(reading, due, max(active.block_number, reading.l2.unsafe.number))


def _earned(reading: Reading, rows: Sequence[Row[Any]]) -> Earned:
    def total(state: str) -> ExactFigure:
        return ExactFigure.of(reading, lambda tier: sum(int(getattr(row, f"{state}_{tier}") or 0) for row in rows))

    return Earned(settled=total("settled"), open=total("open"))


def _by_source(reading: Reading, rows: Sequence[Row[Any]]) -> list[SourceEarnings]:
    def why(row: Row[Any]) -> tuple[Any, ...]:
        return row.source, row.asset_id, row.dataset_id if row.source == Source.DATA else None, row.list_id

    return [
        SourceEarnings(
            source=source,
            asset_id=asset_id,
            dataset_id=dataset_id,
            list_id=list_id,
            **_earned(reading, part).model_dump(),
        )
        for (source, asset_id, dataset_id, list_id), part in _grouped(rows, why).items()
    ]


def _grouped(rows: Iterable[Row[Any]], key: Callable[[Row[Any]], Any]) -> dict[Any, list[Row[Any]]]:
    groups: dict[Any, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _second(day: dt.date | None, otherwise: int, *, whole_day: bool = False) -> int:
    if day is None:
        return otherwise
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return int(start.timestamp()) + (DAY_SECONDS if whole_day else 0)
