"""GET /v1/operators: who serves, at which price, with what at stake."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from api.parameters import AddressPath, Cursor, Limit, address_of, cursor_after, key_of
from api.queries import operators as queries
from api.reading import CurrentReading, Reading
from api.schemas.figures import Figure, Page, ReadAt, address, amount
from api.schemas.operators import Key, Lane, Operator, OperatorLine, PublishedPrice
from ledger.errors import NotFoundError

router = APIRouter(prefix="/operators", tags=["operators"])


@router.get("")
def list_operators(reading: CurrentReading, cursor: Cursor = None, limit: Limit = 50) -> Page[OperatorLine]:
    """Operators by rising address, with their volume."""
    key = key_of(cursor, (bytes,))
    found = queries.operators(reading, b"" if key is None else bytes(key[0]), limit + 1)
    shown = found[:limit]
    volumes, findings = queries.volumes(reading, shown), queries.finding_counts(reading, shown)
    items = [OperatorLine(**_line(reading, who, volumes.get(who), findings.get(who, 0))) for who in shown]
    following = cursor_after(shown[-1]) if len(found) > limit else None
    return Page[OperatorLine](read_at=ReadAt.of(reading), items=items, next_cursor=following)


@router.get("/{operator}")
def one_operator(reading: CurrentReading, operator: AddressPath) -> Operator:
    """One operator: volume, bond, lanes with their keys, published prices."""
    who = address_of(operator)
    keys, prices, held = queries.keys(reading, who), queries.prices(reading, who), queries.held(reading, who)
    volume = queries.volumes(reading, [who]).get(who)
    if not (keys or prices or held or volume):
        raise NotFoundError(f"{address(who)} is no operator; GET /v1/operators lists them.")
    now = reading.l2.unsafe.number
    return Operator(
        **_line(reading, who, volume, queries.finding_counts(reading, [who]).get(who, 0)),
        read_at=ReadAt.of(reading),
        bond=_held(reading, held.get("bonds")),
        reserved=amount(reading, queries.reserved_units(reading, who), now),
        own_deposit=_held(reading, held.get("operator_deposits")),
        slashed=amount(reading, queries.slashed_units(reading, who), now),
        lanes=_lanes(reading, queries.lanes(reading, who), keys),
        prices=_prices(reading, prices),
    )


def _line(reading: Reading, who: bytes, volume: Row[Any] | None, findings: int) -> dict[str, Any]:
    def units(tier: str) -> int:
        return 0 if volume is None else int(getattr(volume, f"settled_{tier}"))

    def count(name: str) -> int:
        return 0 if volume is None else int(getattr(volume, name))

    return {
        "address": address(who),
        "settled_fees": Figure.of(reading, units),
        "open_fees": amount(reading, count("open_units"), reading.l2.unsafe.number),
        "receipts": count("receipts"),
        "open_batches": count("open"),
        "finalized_batches": count("finalized"),
        "voided_batches": count("voided"),
        "findings": findings,
        "last_committed_at": None if volume is None else volume.last_committed_at,
    }


def _held(reading: Reading, row: Row[Any] | None) -> Figure:
    return Figure.of(reading, lambda tier: 0 if row is None else int(getattr(row, tier)))


def _lanes(reading: Reading, lanes: list[Row[Any]], keys: list[Row[Any]]) -> list[Lane]:
    reached = {row.lane: row for row in lanes}
    found = []
    for lane in sorted({*reached, *(key.lane for key in keys)}):
        row = reached.get(lane)
        found.append(
            Lane(
                lane=lane,
                next_seq=0 if row is None else row.next_seq,
                batches=0 if row is None else row.batches,
                keys=[
                    Key(
                        key=address(key.key),
                        added_at=key.added_at,
                        revoked_at=key.revoked_at,
                        finality=reading.l2.of(key.block_number),
                        block=key.block_number,
                    )
                    for key in keys
                    if key.lane == lane
                ],
            )
        )
    return found


def _prices(reading: Reading, rows: list[Row[Any]]) -> list[PublishedPrice]:
    """Rows come newest first for each asset: the first one whose time has come is in force."""
    now, in_force, shown = reading.l2.unsafe.timestamp, set(), []
    for row in rows:
        is_first = row.asset_id not in in_force and row.effective_at <= now
        if is_first:
            in_force.add(row.asset_id)
        shown.append(
            PublishedPrice(
                asset_id=row.asset_id,
                input_price_units=str(row.input_price_units),
                output_price_units=str(row.output_price_units),
                effective_at=row.effective_at,
                in_force=is_first,
                finality=reading.l2.of(row.block_number),
                block=row.block_number,
            )
        )
    return shown
