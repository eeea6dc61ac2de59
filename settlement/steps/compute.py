"""Nothing → computed: sum what finalised batches owe, build the tree and the file, store them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ledger.errors import LedgerDifferenceError, NotYetFinalError
from ledger.protocol.hexadecimal import checksum_address
from settlement import queries
from settlement.entitlements import by_sql
from settlement.proposal import propose
from settlement.records import last_submitted, store_proposal
from settlement.scope import ThroughBlock

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from settlement.connections import Connections
    from settlement.entitlements import Entitlements
    from settlement.scope import Scope

log = structlog.get_logger(__name__)


def finalized_block(session: Session, scope: Scope) -> ThroughBlock:
    """The newest L2 block that is final and indexed.

    Raises:
        NotYetFinalError: the index has none yet.
    """
    head = session.execute(queries.FINALIZED_HEAD, {"chain_id": scope.chain_id}).first()
    if head is None:
        raise NotYetFinalError("The index has no finalised L2 block yet; is `tributary index` running?")
    return ThroughBlock(head.number, bytes(head.hash))


def entitlements_now(session: Session, scope: Scope) -> tuple[ThroughBlock, Entitlements]:
    """What everybody has earned through the finalised block, both read in one snapshot of the database."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    through = finalized_block(session, scope)
    return through, by_sql(session, through.number, scope.protocol)


def compute(connections: Connections) -> int | None:
    """Identifier of a new distribution, or None if the newest root already says all there is to say.

    Raises:
        NotYetFinalError: nobody has earned anything in a finalised batch, or the index is behind.
        ConservationError, LedgerDifferenceError: the index contradicts itself or an earlier distribution.
    """
    scope = connections.scope
    with connections.sessions() as session:
        through, entitlements = entitlements_now(session, scope)
        newest = session.execute(queries.NEWEST_ROOT).first()
    proposal = propose(scope, connections.distributor.next_root_index(at="latest"), through, entitlements)
    if newest is not None and bytes(newest.root) == proposal.message.root:
        return None
    with connections.sessions.begin() as session:
        before = last_submitted(session, scope)
        if before is not None and before.root == proposal.message.root:
            return None  # submitted, and not in the index yet
        distribution_id = store_proposal(session, proposal)
        if before is not None:
            _require_no_fall(session, before.distribution_id, distribution_id)
    log.info(
        "distribution_computed",
        distribution_id=distribution_id,
        root_index=proposal.message.root_index,
        through_l2_block=through.number,
        payees=len(proposal.tree.payouts),
        total_units=proposal.message.total_cumulative_units,
    )
    return distribution_id


def _require_no_fall(session: Session, before: int, after: int) -> None:
    """Nothing, if every payee has at least what it had; raising undoes the store."""
    fallen = session.execute(queries.FALLEN_PAYEE, {"before": before, "after": after}).first()
    if fallen is not None:
        raise LedgerDifferenceError(
            f"{checksum_address(bytes(fallen.payee))} had earned {fallen.before_units} base units in distribution "
            f"{before} and now {fallen.after_units}; earnings never fall, so the index is wrong: rebuild it."
        )
