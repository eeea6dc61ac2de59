"""Rows of PaymentEscrow's events; balances are in the movements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.events import payment_escrow as events
from ledger.db.models.indexer_escrow import Debt, SessionKey, SpendingCap, Thaw

if TYPE_CHECKING:
    from indexer.rows.buffer import Origin
    from indexer.rows.context import Context, Event, Handlers


def cap_set(event: events.CapSet, at: Event, to: Context) -> None:
    _cap(to, at.origin, event, effective_at=at.timestamp)


def cap_lowering_started(event: events.CapLoweringStarted, at: Event, to: Context) -> None:
    _cap(to, at.origin, event, effective_at=event.effective_at)


def _cap(to: Context, origin: Origin, event: events.CapSet | events.CapLoweringStarted, *, effective_at: int) -> None:
    to.rows.add(
        SpendingCap,
        origin,
        payer=event.payer,
        operator=event.operator,
        cap_units=event.cap_units,
        valid_until=event.valid_until,
        effective_at=effective_at,
    )


def thaw_started(event: events.ThawStarted, at: Event, to: Context) -> None:
    """The event names all that thaws now, a further request included."""
    to.rows.add(
        Thaw,
        at.origin,
        payer=event.payer,
        operator=event.operator,
        amount_units=event.amount_units,
        thaw_end=event.thaw_end,
    )


def thaw_ended(event: events.ThawCancelled | events.Withdrawn, at: Event, to: Context) -> None:
    to.rows.add(Thaw, at.origin, payer=event.payer, operator=event.operator, amount_units=0, thaw_end=None)


def session_key_registered(event: events.SessionKeyRegistered, at: Event, to: Context) -> None:
    _session_key(to, at.origin, event, action="registered", effective_at=at.timestamp)


def session_key_revoked(event: events.SessionKeyRevoked, at: Event, to: Context) -> None:
    _session_key(to, at.origin, event, action="revoked", effective_at=event.effective_at)


def _session_key(
    to: Context,
    origin: Origin,
    event: events.SessionKeyRegistered | events.SessionKeyRevoked,
    *,
    action: str,
    effective_at: int,
) -> None:
    to.rows.add(SessionKey, origin, payer=event.payer, key=event.key, action=action, effective_at=effective_at)


def shortfall(event: events.Shortfall, at: Event, to: Context) -> None:
    _debt(to, at.origin, event, event.batch_id, event.amount_units)


def debt_collected(event: events.DebtCollected, at: Event, to: Context) -> None:
    _debt(to, at.origin, event, None, -event.amount_units)


def refunded(event: events.Refunded, at: Event, to: Context) -> None:
    """What goes back to the operator is no longer owed to it."""
    if event.operator_amount_units:
        _debt(to, at.origin, event, event.batch_id, -event.operator_amount_units)


def _debt(
    to: Context,
    origin: Origin,
    event: events.Shortfall | events.DebtCollected | events.Refunded,
    batch_id: int | None,
    amount_units: int,
) -> None:
    to.rows.add(Debt, origin, payer=event.payer, operator=event.operator, batch_id=batch_id, amount_units=amount_units)


HANDLERS: Final[Handlers] = {
    events.CapSet: cap_set,
    events.CapLoweringStarted: cap_lowering_started,
    events.ThawStarted: thaw_started,
    events.ThawCancelled: thaw_ended,
    events.Withdrawn: thaw_ended,
    events.SessionKeyRegistered: session_key_registered,
    events.SessionKeyRevoked: session_key_revoked,
    events.Shortfall: shortfall,
    events.DebtCollected: debt_collected,
    events.Refunded: refunded,
}
