"""A root on chain that is not on record here → submitted: after a lost database, or when another settlement was first.

It is computed anew for the block that it covers, and taken over only if it comes out the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import text

from ledger.protocol.distribution import Distribution
from settlement.entitlements import by_sql
from settlement.proposal import propose
from settlement.records import read_distribution, store_proposal
from settlement.scope import ThroughBlock
from settlement.states import State, move

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from settlement.connections import Connections
    from settlement.scope import Scope

log = structlog.get_logger(__name__)

# The newest root that stands, unless it is on record here in whatever state.
_UNKNOWN_ROOT = text("""
    SELECT r.root_index, r.root, r.total_cumulative_units, r.through_l2_block, r.through_l2_block_hash, r.data_hash,
           r.activates_at
    FROM distribution_roots r
    WHERE r.root_index = (SELECT max(root_index) FROM distribution_roots WHERE disabled_block_number IS NULL)
      AND NOT EXISTS (
        SELECT FROM distributions d
        WHERE d.chain_id = :chain_id AND d.distributor = :distributor AND d.root_index = r.root_index AND d.root = r.root
      )
""")


def adopt(connections: Connections) -> int | None:
    """Identifier of the distribution of the newest root, if it was not on record and is right; else None."""
    scope = connections.scope
    with connections.sessions() as session:
        row = _unknown_root(session, scope)
        if row is None:
            return None
        through = ThroughBlock(row.through_l2_block, bytes(row.through_l2_block_hash))
        entitlements = by_sql(session, through.number, scope.protocol)
    proposal = propose(scope, row.root_index, through, entitlements)
    if proposal.message != _message(row):
        log.warning("unknown_root_is_not_ours", root_index=row.root_index, root="0x" + bytes(row.root).hex())
        return None
    with connections.sessions.begin() as session:
        if _unsubmitted(session, scope):
            return None  # ours has its index; the next steps find out what became of it
        distribution_id = store_proposal(session, proposal)
        for state in (State.ATTESTED, State.SUBMITTED):
            distribution = read_distribution(session, distribution_id)
            move(session, distribution, state, activates_at=row.activates_at)
            session.refresh(distribution)
    log.info("root_adopted", root_index=row.root_index, distribution_id=distribution_id)
    return distribution_id


def _unknown_root(session: Session, scope: Scope) -> Row[Any] | None:
    given = {"chain_id": scope.chain_id, "distributor": scope.distributor}
    return session.execute(_UNKNOWN_ROOT, given).first()


def _unsubmitted(session: Session, scope: Scope) -> bool:
    waiting = text("""
        SELECT 1 FROM distributions
        WHERE chain_id = :chain_id AND distributor = :distributor AND state IN ('computed', 'attested')
    """)
    given = {"chain_id": scope.chain_id, "distributor": scope.distributor}
    return session.execute(waiting, given).first() is not None


def _message(row: Row[Any]) -> Distribution:
    return Distribution(
        root_index=row.root_index,
        root=bytes(row.root),
        total_cumulative_units=int(row.total_cumulative_units),
        through_l2_block=row.through_l2_block,
        through_l2_block_hash=bytes(row.through_l2_block_hash),
        data_hash=bytes(row.data_hash),
    )
