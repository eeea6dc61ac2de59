"""active → paying: choose whose claims to push. In paying: push them, chunk by chunk, several in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import insert, select

from ledger.chain.structs import Claim
from ledger.db.models.settlement import PushedClaim, SettlementTransaction
from settlement import queries
from settlement.records import chunk_payees, tree_of
from settlement.states import State, move
from settlement.transactions import Effect

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

    from ledger.chain.transaction import Call
    from ledger.db.models.settlement import SettledDistribution
    from ledger.protocol.distribution import DistributionTree
    from settlement.connections import Connections

log = structlog.get_logger(__name__)


def choose(connections: Connections, distribution: SettledDistribution) -> bool:
    """Stores which payees are pushed, by rising address, and in which transaction each."""
    policy, distribution_id = connections.policy, distribution.distribution_id
    with connections.sessions.begin() as session:
        given = {"distribution_id": distribution_id, "least": policy.least_units}
        payees = [bytes(payee) for payee in session.scalars(queries.DUE, given)]
        rows = [
            {"distribution_id": distribution_id, "payee": payee, "chunk": at // policy.claims_per_transaction}
            for at, payee in enumerate(payees)
        ]
        if rows:
            session.execute(insert(PushedClaim), rows)
        move(session, distribution, State.PAYING)
    log.info("claims_chosen", root_index=distribution.root_index, payees=len(payees))
    return True


def push(connections: Connections, distribution: SettledDistribution) -> None:
    """Every chosen claim is in a block when this returns; chunks that were mined before are left alone.

    Raises:
        ContractRevertedError: the contract refuses a whole chunk.
        TransactionPendingError: a chunk is in no block yet.
    """
    with connections.sessions() as session:
        left = _chunks_left(session, distribution.distribution_id)
        tree = tree_of(session, distribution) if left else None
    if tree is None:
        return
    width = connections.policy.transactions_in_flight
    for at in range(0, len(left), width):
        window = [(chunk, _call(connections, distribution, tree, chunk)) for chunk in left[at : at + width]]
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


def _call(
    connections: Connections, distribution: SettledDistribution, tree: DistributionTree, chunk: int
) -> Callable[[], Call]:
    """Makes the chunk's claimMany when it is needed; a restart that finds it signed already never does."""
    units = dict(tree.payouts)

    def make() -> Call:
        with connections.sessions() as session:
            payees = chunk_payees(session, distribution.distribution_id, chunk)
        claims = [Claim(payee, units[payee], tuple(tree.proof(payee))) for payee in payees]
        return connections.distributor.claim_many(distribution.root_index, claims)

    return make
