"""Reads what serving wrote: signed receipts in order of seq, and payers' authorizations. Never writes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json
from sqlalchemy import Double, Text, cast, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from batcher.cutting import MadeBy, Waiting
from ledger.db.models.serving import IssuedReceipt, SpendAuthorizationRow
from ledger.db.models.serving import Lane as LaneRow
from ledger.errors import InvalidReceiptError
from ledger.protocol.attribution import AttributionSet, SetEntry, attribution_hash, check_set
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.blob.encode import BatchEntry
from ledger.protocol.receipt import Receipt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from ledger.protocol.domain import Domain


_SET: Final = cast(IssuedReceipt.attribution_set, Text).label("attribution_set")
_NO_SET: Final = "[]"
_ENTRY: Final = (
    *(getattr(IssuedReceipt, field.name) for field in fields(Receipt) if field.name not in ("operator", "lane")),
    IssuedReceipt.digest,
    _SET,
)
"""A receipt's own columns in the order of its fields, then digest and set. Columns, not rows of the model: a batch is
twelve thousand of them."""


@dataclass(frozen=True, slots=True)
class WaitingReceipt:
    """A receipt that is in no batch yet, and its age: by the database's clock and by its own, in Unix seconds."""

    waiting: Waiting
    issued_at: float
    """Clock seconds, never money."""
    ended_at: int


@dataclass(frozen=True, slots=True)
class SignedAuthorization:
    """A payer's authorization as the escrow takes it."""

    authorization: SpendAuthorization
    signature: bytes


def lanes(session: Session, operator: bytes, chain_id: int, ledger_address: bytes) -> list[int]:
    """The operator's lanes on this deployment, ascending."""
    rows = select(LaneRow.lane).where(
        LaneRow.operator == operator, LaneRow.chain_id == chain_id, LaneRow.ledger_address == ledger_address
    )
    return sorted(session.scalars(rows))


def waiting_run(session: Session, operator: bytes, lane: int, first_seq: int, limit: int) -> list[WaitingReceipt]:
    """Up to `limit` receipts from `first_seq` on, before the first gap."""
    columns = (
        IssuedReceipt.seq,
        IssuedReceipt.payer,
        IssuedReceipt.fee_units,
        IssuedReceipt.started_at,
        IssuedReceipt.duration_ms,
        _SET,
        IssuedReceipt.attribution_method,
        IssuedReceipt.attribution_params_hash,
        cast(func.extract("epoch", IssuedReceipt.issued_at), Double),
    )
    mine = (IssuedReceipt.operator == operator, IssuedReceipt.lane == lane, IssuedReceipt.seq >= first_seq)
    found = session.execute(select(*columns).where(*mine).order_by(IssuedReceipt.seq).limit(limit)).all()
    return [
        WaitingReceipt(
            Waiting(row.payer, row.fee_units, row.started_at, _set(row.attribution_set), _made_by(row)),
            row[-1],
            row.started_at + row.duration_ms // 1000,
        )
        for offset, row in enumerate(found)
        if row.seq == first_seq + offset
    ]


def database_seconds(session: Session) -> float:
    """The database's clock, in Unix seconds: a float of time, never of money."""
    return float(session.execute(select(func.extract("epoch", func.clock_timestamp()))).scalar_one())


def entries(session: Session, operator: bytes, lane: int, seqs: range, domain: Domain) -> list[BatchEntry]:
    """The receipts with these numbers, checked to be what was signed.

    Raises:
        InvalidReceiptError: one is missing, or its row is not what its digest says.
    """
    mine = (IssuedReceipt.operator == operator, IssuedReceipt.lane == lane)
    within = (IssuedReceipt.seq >= seqs.start, IssuedReceipt.seq < seqs.stop)
    rows = session.execute(select(*_ENTRY).where(*mine, *within).order_by(IssuedReceipt.seq)).all()
    if [row.seq for row in rows] != list(seqs):
        raise InvalidReceiptError(f"Lane {lane} has not all receipts from {seqs.start} to {seqs.stop - 1} any more.")
    return [_entry(Receipt(operator, lane, *row[:-2]), row.digest, row.attribution_set, domain) for row in rows]


def best_authorizations(
    session: Session, operator: bytes, payers: Sequence[bytes], valid_at: int
) -> dict[bytes, SignedAuthorization]:
    """Each payer's authorization with the highest cap that is still valid; of equals the one valid longest."""
    rows = (
        select(SpendAuthorizationRow)
        .where(
            SpendAuthorizationRow.operator == operator,
            SpendAuthorizationRow.payer.in_(payers),
            SpendAuthorizationRow.valid_until >= valid_at,
        )
        .ext(distinct_on(SpendAuthorizationRow.payer))
        .order_by(
            SpendAuthorizationRow.payer,
            SpendAuthorizationRow.cap_units.desc(),
            SpendAuthorizationRow.valid_until.desc(),
        )
    )
    return {row.payer: _authorization(row) for row in session.scalars(rows)}


def _authorization(row: SpendAuthorizationRow) -> SignedAuthorization:
    return SignedAuthorization(
        SpendAuthorization(row.payer, row.operator, row.cap_units, row.valid_until), row.signature
    )


def _set(stored: str) -> AttributionSet:
    return () if stored == _NO_SET else tuple(SetEntry(asset_id, ppm) for asset_id, ppm in from_json(stored))


def _made_by(row: Any) -> MadeBy:
    return MadeBy(row.attribution_method, row.attribution_params_hash)


def _entry(receipt: Receipt, digest: bytes, stored_set: str, domain: Domain) -> BatchEntry:
    attribution = check_set(_set(stored_set))
    if receipt.digest(domain) != digest or attribution_hash(attribution) != receipt.attribution_hash:
        raise InvalidReceiptError(f"Receipt {receipt.seq} of lane {receipt.lane} is not what was signed.")
    return BatchEntry(receipt, digest, attribution)


def first_waiting(session: Session, operator: bytes, lane: int, first_seq: int) -> int | None:
    """The least seq at or above `first_seq` that the outbox holds, None if it holds none."""
    mine = (IssuedReceipt.operator == operator, IssuedReceipt.lane == lane, IssuedReceipt.seq >= first_seq)
    return session.scalar(select(func.min(IssuedReceipt.seq)).where(*mine))
