"""paying → paid: what the index saw happen, in finalised blocks, against what was pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from ledger.db.models.settlement import SettlementTransaction
from ledger.errors import LedgerDifferenceError
from ledger.protocol.hexadecimal import checksum_address, to_hex
from settlement import queries
from settlement.states import State, move
from settlement.steps.compute import finalized_block
from settlement.steps.push import claim_effect, push

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from ledger.db.models.settlement import SettledDistribution
    from settlement.connections import Connections

log = structlog.get_logger(__name__)


def pay(connections: Connections, distribution: SettledDistribution) -> bool:
    """Pushes what is left to push; whether all of it is reconciled, or some has to be pushed again.

    Raises:
        LedgerDifferenceError: a finalised payment is not what the distribution says, or is missing.
    """
    push(connections, distribution)
    with connections.sessions.begin() as session:
        through = finalized_block(session, connections.scope).number
        given = {"distribution_id": distribution.distribution_id, "root_index": distribution.root_index}
        _require_true_claims(session, given)
        outcome = session.execute(queries.RECONCILED, given | {"through": through}).one()
        if outcome.paid + outcome.skipped == outcome.pushed:
            move(session, distribution, State.PAID, reason=_skipped(outcome.skipped))
            log.info(
                "distribution_paid", root_index=distribution.root_index, paid=outcome.paid, skipped=outcome.skipped
            )
            return True
    return _lost_chunks(connections, distribution, through)


def _skipped(claims: int) -> str | None:
    if not claims:
        return None
    return f"{claims} {'claim was' if claims == 1 else 'claims were'} skipped by the contract."


def _require_true_claims(session: Session, given: dict[str, int]) -> None:
    stray = session.execute(queries.STRAY_CLAIM, given).first()
    if stray is not None:
        raise LedgerDifferenceError(
            f"{checksum_address(bytes(stray.payee))} was paid up to {stray.cumulative_units} base units against root"
            f" {given['root_index']}, but that distribution says {stray.owed_units}."
        )


def _lost_chunks(connections: Connections, distribution: SettledDistribution, through: int) -> bool:
    """Whether a block with a chunk was replaced; those chunks are taken for pending again.

    Raises:
        LedgerDifferenceError: all chunks stand in finalised blocks, and still a claim is missing.
    """
    with connections.sessions() as session:
        mined = session.scalars(
            select(SettlementTransaction).where(
                SettlementTransaction.distribution_id == distribution.distribution_id,
                SettlementTransaction.purpose == "claim_many",
                SettlementTransaction.outcome == "mined",
            )
        ).all()
    lost = [tx for tx in mined if not connections.transactions.stands(tx.tx_hash)]
    with connections.sessions.begin() as session:
        for tx in lost:
            connections.transactions.forget_mined(session, claim_effect(distribution, tx.chunk))
            log.warning(
                "claims_reorged", root_index=distribution.root_index, chunk=tx.chunk, tx_hash=to_hex(tx.tx_hash)
            )
    if not lost and all(tx.block_number is not None and tx.block_number <= through for tx in mined):
        raise LedgerDifferenceError(
            f"Claims of root {distribution.root_index} were pushed in blocks that are final by now, but the index has"
            " no payment for some of them; rebuild it."
        )
    return bool(lost)
