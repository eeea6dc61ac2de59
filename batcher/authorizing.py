"""Submits the spend authorizations that a batch's charges need and the escrow does not have yet.

A payer without one is charged as far as its cap goes; the operator's own deposit pays the rest (see PaymentEscrow),
so nobody can hold up a batch by withholding a signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from batcher.contents import charges_ahead, charges_of
from batcher.jobs import move
from batcher.outbox import SignedAuthorization, best_authorizations
from batcher.states import Purpose, State
from batcher.transactions import Effect, Standing
from ledger.errors import ContractRevertedError
from ledger.protocol.hexadecimal import checksum_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batcher.parts import Parts, View
    from ledger.chain.structs import Account
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)

_MOST_AT_ONCE = 100


def authorize(parts: Parts, job: BatchJob, uncommitted: Sequence[BatchJob], view: View) -> bool:
    """Whether the job moved on: authorizations were sent for it, or it has all that there are.

    Args:
        parts: the batcher's connections.
        job: an encoded job that is not authorized yet.
        uncommitted: all jobs whose charges are still to come, this one among them, of whatever lane: which of them
            is charged first is not known, so caps must hold for all together.
        view: the L2 that caps are read from.
    """
    effect = Effect(job.job_id, Purpose.AUTHORIZE, parts.chains.l2)
    if parts.transactions.progress(effect).standing is Standing.PENDING:
        return False
    missing = list(_missing(parts, job, uncommitted, view).values())
    slices = (missing[at : at + _MOST_AT_ONCE] for at in range(0, len(missing), _MOST_AT_ONCE))
    # Whole slices may be refused: payers whose signatures came to nothing must not keep the others' from the escrow.
    chosen = next(filter(None, (_acceptable(parts, some) for some in slices)), [])
    if chosen:
        call = parts.chains.escrow.authorize([c.authorization for c in chosen], [c.signature for c in chosen])
        parts.transactions.issue(effect, call)
        log.info("authorizations_sent", job_id=job.job_id, payers=len(chosen))
        return True
    with parts.database.transaction() as session:
        move(session, job, State(job.state), authorized=True)
    return True


def _missing(
    parts: Parts, job: BatchJob, uncommitted: Sequence[BatchJob], view: View
) -> dict[bytes, SignedAuthorization]:
    """By payer, the authorizations that would raise what the escrow allows to (or towards) what is charged."""
    operator = parts.chains.operator
    with parts.database.transaction() as session:
        due = charges_ahead(session, uncommitted)
        payers = [charge.payer for charge in charges_of(session, job) if charge.amount_units]
        known = best_authorizations(session, operator, payers, view.head.timestamp)
    accounts = parts.chains.escrow.accounts(payers, operator, view.head)
    missing = {}
    for payer, account in zip(payers, accounts, strict=True):
        if _allows(account, due[payer], view.head.timestamp):
            continue
        best = known.get(payer)
        if best is not None and _improves(best, account, view.head.timestamp):
            missing[payer] = best
        else:
            log.warning("payer_not_authorized", payer=checksum_address(payer), job_id=job.job_id)
    return missing


def _allows(account: Account, charge_units: int, now: int) -> bool:
    return account.collected_units + charge_units <= account.cap_units and now <= account.valid_until


def _improves(best: SignedAuthorization, account: Account, now: int) -> bool:
    """Whether the escrow would take the authorization: better than what stands, or that has expired."""
    offer = best.authorization
    if offer.valid_until <= account.dead_valid_until:
        return False
    no_worse = offer.cumulative_cap_units >= account.cap_units and offer.valid_until >= account.valid_until
    same = (offer.cumulative_cap_units, offer.valid_until) == (account.cap_units, account.valid_until)
    return (no_worse and not same) or account.valid_until < now <= offer.valid_until


def _acceptable(parts: Parts, chosen: Sequence[SignedAuthorization]) -> list[SignedAuthorization]:
    """Those whose signatures the escrow takes, found by simulation: one bad one would sink the whole list."""
    left = list(chosen)
    while left:
        call = parts.chains.escrow.authorize([c.authorization for c in left], [c.signature for c in left])
        try:
            parts.chains.l2.simulate(call)
        except ContractRevertedError as error:
            refused = _refused_payer(error.operands)
            if refused is None:
                raise
            log.warning("authorization_refused", payer=checksum_address(refused), reason=str(error))
            left = [c for c in left if c.authorization.payer != refused]
        else:
            return left
    return []


def _refused_payer(operands: Mapping[str, object]) -> bytes | None:
    payer = operands.get("payer")
    return payer if isinstance(payer, bytes) else None
