"""GET /v1/payers: what an app or a person deposited, may still spend, and was charged, batch by batch."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from api.parameters import AddressPath, Cursor, IdPath, IdSort, Limit, address_of, cursor_after, key_of
from api.queries import batches as batch_queries
from api.queries import payers as queries
from api.reading import CurrentReading, Reading
from api.routes.batch_lines import posted_receipt
from api.schemas.batches import Receipt
from api.schemas.figures import Amount, Figure, Page, ReadAt, address, amount
from api.schemas.payers import Account, ChargeLine, Payer
from ledger.errors import NotFoundError

router = APIRouter(prefix="/payers", tags=["payers"])


class Books:
    """What the ledger has of one payer, by operator."""

    def __init__(self, reading: Reading, payer: bytes) -> None:
        self.reading = reading
        self.balances = {bytes(row.operator): row for row in queries.balances(reading, payer)}
        self.caps = queries.caps(reading, payer)
        self.thaws = queries.thaws(reading, payer)
        self.debts = queries.debts(reading, payer)
        self.charged = queries.charged(reading, payer)

    @property
    def operators(self) -> list[bytes]:
        """Everybody with whom the payer has anything."""
        return sorted({*self.balances, *self.caps, *self.charged})


@router.get("/{payer}")
def one_payer(reading: CurrentReading, payer: AddressPath) -> Payer:
    """A payer's balance, caps and charges with each operator; an unknown address is answered with none."""
    who = address_of(payer)
    books = Books(reading, who)
    return Payer(
        read_at=ReadAt.of(reading),
        address=address(who),
        balance=Figure.of(reading, lambda tier: sum(int(getattr(row, tier)) for row in books.balances.values())),
        charged=Figure.of(
            reading, lambda tier: sum(int(getattr(row, f"settled_{tier}")) for row in books.charged.values())
        ),
        accounts=[_account(books, operator) for operator in books.operators],
    )


@router.get("/{payer}/charges")
def payer_charges(
    reading: CurrentReading, payer: AddressPath, sort: IdSort = "-id", cursor: Cursor = None, limit: Limit = 50
) -> Page[ChargeLine]:
    """What each batch charged, newest first unless `sort` says otherwise."""
    who = address_of(payer)
    key = key_of(cursor, (int, int))
    past = None if key is None else (int(key[0]), int(key[1]))
    rows = queries.charges(reading, who, past, limit + 1, rising=sort == "id")
    shown = rows[:limit]
    following = cursor_after(shown[-1].batch_id, shown[-1].fill) if len(rows) > limit else None
    items = [
        ChargeLine(
            batch_id=row.batch_id,
            fill=row.fill,
            operator=address(row.operator),
            lane=row.lane,
            amount=amount(reading, int(row.amount_units), row.block_number),
            batch_status=row.status,
            committed_at=row.committed_at,
        )
        for row in shown
    ]
    return Page[ChargeLine](read_at=ReadAt.of(reading), items=items, next_cursor=following)


@router.get("/{payer}/charges/{batch_id}/receipts")
def charge_receipts(
    reading: CurrentReading, payer: AddressPath, batch_id: IdPath, cursor: Cursor = None, limit: Limit = 50
) -> Page[Receipt]:
    """The receipts behind one charge: they add up to it, in the batch's newest filling."""
    who = address_of(payer)
    fills = batch_queries.fills(reading, batch_id)
    if not fills:
        raise NotFoundError(f"There is no batch {batch_id}; GET /v1/batches lists them.")
    key = key_of(cursor, (int,))
    place = (batch_id, fills[0].fill, -1 if key is None else int(key[0]))
    rows = queries.receipts(reading, who, place, limit + 1)
    shown = rows[:limit]
    following = cursor_after(shown[-1].position) if len(rows) > limit else None
    items = [posted_receipt(reading, row, fills[0]) for row in shown]
    return Page[Receipt](read_at=ReadAt.of(reading), items=items, next_cursor=following)


def _account(books: Books, operator: bytes) -> Account:
    reading = books.reading
    balance, charged = books.balances.get(operator), books.charged.get(operator)
    cap, thaw, debt = books.caps.get(operator), books.thaws.get(operator), books.debts.get(operator)
    collected = _units(balance, "taken_units") + _units(debt, "collected_units")
    return Account(
        operator=address(operator),
        balance=Figure.of(reading, lambda tier: _units(balance, tier)),
        charged=Figure.of(reading, lambda tier: _units(charged, f"settled_{tier}")),
        charged_open=_now(reading, _units(charged, "open_units")),
        collected=_now(reading, collected),
        cap=None if cap is None else amount(reading, int(cap.cap_units), cap.block_number),
        cap_valid_until=None if cap is None else cap.valid_until,
        cap_left=None if cap is None else _now(reading, max(0, int(cap.cap_units) - collected)),
        thawing=None if thaw is None or thaw.thaw_end is None else _now(reading, int(thaw.amount_units)),
        thaw_end=None if thaw is None else thaw.thaw_end,
        debt=_now(reading, _units(debt, "owed_units")),
    )


def _units(row: Row[Any] | None, name: str) -> int:
    return 0 if row is None else int(getattr(row, name))


def _now(reading: Reading, units: int) -> Amount:
    """An amount that rests on everything up to the newest block."""
    return amount(reading, units, reading.l2.unsafe.number)
