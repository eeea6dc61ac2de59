"""active → paying: choose whose claims to push. In paying: push them, chunk by chunk, several in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from ledger.chain.structs import Claim
from ledger.db.models.settlement import PushedClaim, SettlementTransaction
from ledger.protocol.distribution import proof_at
from settlement.records import choose_claims, chunk_claims, tree_nodes
from settlement.states import State, move
from settlement.transactions import Effect

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from ledger.chain.transaction import Call
    from ledger.db.models.settlement import SettledDistribution
    from settlement.connections import Connections

log = structlog.get_logger(__name__)


def choose(connections: Connections, distribution: SettledDistribution) -> bool:
    """Stores which payees are pushed, by rising address, and in which transaction each."""
    policy = connections.policy
    with connections.sessions.begin() as session:
        payees = choose_claims(session, distribution.distribution_id, policy.least_units, policy.claims_per_transaction)
        move(session, distribution, State.PAYING)
    log.info("claims_chosen", root_index=distribution.root_index, payees=payees)
    return True


def push(connections: Connections, distribution: SettledDistribution) -> None:
    """Every chosen claim is in a block when this returns; chunks that were mined before are left alone.

    Raises:
        ContractRevertedError: the contract refuses a whole chunk.
        TransactionPendingError: a chunk is in no block yet.
    """
    with connections.sessions() as session:
        left = _chunks_left(session, distribution.distribution_id)
        nodes = tree_nodes(session, distribution) if left else b""
    width = connections.policy.transactions_in_flight
    for at in range(0, len(left), width):
        window = [(chunk, _call(connections, distribution, nodes, chunk)) for chunk in left[at : at + width]]
        for chunk, call in window:
            connections.transactions.start(claim_effect(distribution, chunk), call)
        for chunk, call in window:
            receipt = connections.transactions.finish(claim_effect(distribution, chunk), call)
            log.info("claims_pushed", root_index=distribution.root_index, chunk=chunk, gas_used=receipt.gas_used)


def claim_effect(distribution: SettledDistribution, chunk: int) -> Effect:
    """The effect of paying one chunk."""
    return Effect(distribution.distribution_id, "claim_many", chunk)


def _chunks_left(session: Session, distribution_id: int) -> list[int]:
    """Chunks that no mined transaction has carried, in order."""
    chosen = select(PushedClaim.chunk).where(PushedClaim.distribution_id == distribution_id).distinct()
    mined = select(SettlementTransaction.chunk).where(
        SettlementTransaction.distribution_id == distribution_id,
        SettlementTransaction.purpose == "claim_many",
        SettlementTransaction.outcome == "mined",
    )
    return sorted(set(session.scalars(chosen)) - set(session.scalars(mined)))


def _call(connections: Connections, distribution: SettledDistribution, nodes: bytes, chunk: int) -> Callable[[], Call]:
    """Makes the chunk's claimMany when it is needed; a restart that finds it signed already never does."""

    def make() -> Call:
        with connections.sessions() as session:
            rows = chunk_claims(session, distribution.distribution_id, chunk)
        claims = [Claim(payee, units, tuple(proof_at(nodes, place))) for payee, units, place in rows]
        return connections.distributor.claim_many(distribution.root_index, claims)

    return make
