"""GET /v1/operators: who serves, at which price, with what at stake."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Row

from api.parameters import AddressPath, Cursor, Limit, address_of, as_key, cursor_after, key_of, ranked_after
from api.queries import operators as queries
from api.queries import standing
from api.reading import CurrentReading, Reading
from api.schemas.figures import Amount, Figure, Page, ReadAt, address, amount
from api.schemas.operators import Exposure, Key, Lane, Operator, OperatorLine, PublishedPrice, Uptime
from api.uptime import uptime
from ledger.errors import NotFoundError
from ledger.protocol.units import PPM

router = APIRouter(prefix="/operators", tags=["operators"])


Sort = Annotated[
    Literal["address", "-settled_fees", "-open_fees", "-receipts"],
    Query(description="By rising address; or, with a minus, the largest first, by the figure at the newest block."),
]


@router.get("")
def list_operators(
    reading: CurrentReading, sort: Sort = "address", cursor: Cursor = None, limit: Limit = 50
) -> Page[OperatorLine]:
    """Operators with their volume, uptime and exposure."""
    if sort == "address":
        key = key_of(cursor, (bytes,))
        found = queries.operators(reading, b"" if key is None else bytes(key[0]), limit + 1)
        places: list[tuple[bytes, ...]] = [(who,) for who in found]
    else:
        ranked = queries.ranked(reading, sort.removeprefix("-"), ranked_after(cursor), limit + 1)
        found = [who for _, who in ranked]
        places = [(as_key(figure), who) for figure, who in ranked]
    following = cursor_after(*places[limit - 1]) if len(found) > limit else None
    return Page[OperatorLine](read_at=ReadAt.of(reading), items=_lines(reading, found[:limit]), next_cursor=following)


@router.get("/{operator}")
def one_operator(reading: CurrentReading, operator: AddressPath) -> Operator:
    """One operator: volume, bond, lanes with their keys."""
    who = address_of(operator)
    keys, held = queries.keys(reading, who), queries.held(reading, who)
    (line,) = _lines(reading, [who])
    if not (keys or held or line.last_committed_at or queries.has_price(reading, who)):
        raise NotFoundError(f"{address(who)} is no operator; GET /v1/operators lists them.")
    now = reading.l2.unsafe.number
    return Operator(
        **line.model_dump(),
        read_at=ReadAt.of(reading),
        bond=_held(reading, held.get("bonds")),
        reserved=line.exposure.reserved,
        own_deposit=_held(reading, held.get("operator_deposits")),
        slashed=amount(reading, queries.slashed_units(reading, who), now),
        lanes=_lanes(reading, queries.lanes(reading, who), keys),
    )


@router.get("/{operator}/prices")
def list_prices(
    reading: CurrentReading, operator: AddressPath, cursor: Cursor = None, limit: Limit = 50
) -> Page[PublishedPrice]:
    """What an operator has published, by rising asset and the newest first for each; none is an empty list."""
    key = key_of(cursor, (int, int, int, int))
    asset_id, effective_at, block, log = queries.BEFORE_ALL_PRICES if key is None else map(int, key)
    found = queries.prices(reading, address_of(operator), (asset_id, effective_at, block, log), limit + 1)
    following = None
    if len(found) > limit:
        last = found[limit - 1]
        following = cursor_after(last.asset_id, last.effective_at, last.block_number, last.log_index)
    shown = [_price(reading, row) for row in found[:limit]]
    return Page[PublishedPrice](read_at=ReadAt.of(reading), items=shown, next_cursor=following)


def _lines(reading: Reading, who: list[bytes]) -> list[OperatorLine]:
    """Lines of these operators, in this order."""
    volumes, findings = queries.volumes(reading, who), queries.finding_counts(reading, who)
    commits, stakes = standing.commits(reading, who), standing.stakes(reading, who)
    return [
        OperatorLine(
            **_volume(reading, one, volumes.get(one), findings.get(one, 0)),
            uptime=_uptime(reading, commits[one]),
            exposure=_exposure(reading, stakes[one]),
        )
        for one in who
    ]


def _uptime(reading: Reading, commits: Row[Any]) -> Uptime | None:
    now, times = reading.l2.unsafe.timestamp, commits.times
    if not times and not commits.is_older:
        return None
    since = now - standing.WINDOW_SECONDS
    if times and (len(times) == standing.MOST_BATCHES or not commits.is_older):
        since = max(since, times[0])
    span = uptime(times or [], since, now)
    return Uptime(**span._asdict(), ppm=span.ppm, late_batches=commits.late)


def _exposure(reading: Reading, stake: Row[Any]) -> Exposure:
    bond, reserved, fees = (int(getattr(stake, f"{name}_units")) for name in ("bond", "reserved", "open"))

    def now(units: int) -> Amount:
        return amount(reading, units, reading.l2.unsafe.number)

    return Exposure(
        fees=now(fees),
        bond=now(bond),
        reserved=now(reserved),
        free=now(max(0, bond - reserved)),
        bond_per_fee_ppm=bond * PPM // fees if fees else None,
    )


def _volume(reading: Reading, who: bytes, volume: Row[Any] | None, findings: int) -> dict[str, Any]:
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


def _price(reading: Reading, row: Row[Any]) -> PublishedPrice:
    return PublishedPrice(
        asset_id=row.asset_id,
        input_price_units=str(row.input_price_units),
        output_price_units=str(row.output_price_units),
        effective_at=row.effective_at,
        in_force=row.in_force,
        finality=reading.l2.of(row.block_number),
        block=row.block_number,
    )
