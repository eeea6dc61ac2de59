"""attested → submitted: bring the root and its quorum's signatures to the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ledger.errors import ContractRevertedError
from settlement.records import answers
from settlement.states import State, move
from settlement.steps.attest import message_of
from settlement.steps.standing import held_root
from settlement.transactions import Effect

if TYPE_CHECKING:
    from ledger.chain.transaction import Call
    from ledger.db.models.settlement import SettledDistribution
    from settlement.connections import Connections

log = structlog.get_logger(__name__)

# What the contract says when somebody else's root took the index between our look and our transaction.
_INDEX_TAKEN = "DistributorRootIndex"


def submit(connections: Connections, distribution: SettledDistribution) -> bool:
    """Whether the root stands in the contract now, or never will.

    Raises:
        TransactionPendingError: the transaction is in no block yet.
    """
    if held_root(connections, distribution.root_index) is None:
        try:
            connections.transactions.perform(
                Effect(distribution.distribution_id, "submit_root"), lambda: _call(connections, distribution)
            )
        except ContractRevertedError as error:
            return _refused(connections, distribution, error)
    return _record(connections, distribution)


def _call(connections: Connections, distribution: SettledDistribution) -> Call:
    quorum = connections.distributor.quorum(at="latest")
    with connections.sessions() as session:
        given = answers(session, distribution.distribution_id)
    signatures = [a.signature for a in given if a.signature]
    return connections.distributor.submit_root(message_of(distribution), signatures[:quorum])


def _record(connections: Connections, distribution: SettledDistribution) -> bool:
    """Moves on by what the contract holds under our index now: our root, or another one."""
    held = held_root(connections, distribution.root_index)
    if held is None:
        return False  # a reorg took it away between the receipt and this look
    with connections.sessions.begin() as session:
        if held.root != distribution.root:
            move(session, distribution, State.SUPERSEDED, reason="Another root was submitted under this index.")
            return True
        move(session, distribution, State.SUBMITTED, activates_at=held.activates_at)
    log.info("root_submitted", root_index=distribution.root_index, activates_at=held.activates_at)
    return True


def _refused(connections: Connections, distribution: SettledDistribution, error: ContractRevertedError) -> bool:
    if error.error_name == _INDEX_TAKEN:
        return _record(connections, distribution)
    with connections.sessions.begin() as session:
        move(session, distribution, State.REFUSED, reason=str(error))
    log.error("root_refused_by_contract", root_index=distribution.root_index, reason=str(error))
    return True
