"""submitted → active: wait for the activation delay, in which an attester may still disable the root."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from ledger.chain.blocks import block_at
from settlement.states import State, move
from settlement.steps.standing import held_root
from settlement.transactions import Effect

if TYPE_CHECKING:
    from ledger.db.models.settlement import SettledDistribution
    from settlement.connections import Connections

log = structlog.get_logger(__name__)


def activate(connections: Connections, distribution: SettledDistribution) -> bool:
    """Whether the root is claimable or disabled now; False while its delay runs by the chain's clock."""
    held = held_root(connections, distribution.root_index)
    if held is None or held.root != distribution.root:
        return _submit_again(connections, distribution)
    if held.disabled:
        with connections.sessions.begin() as session:
            move(session, distribution, State.DISABLED, reason="An attester disabled the root before it became active.")
        log.error("root_disabled", root_index=distribution.root_index)
        return True
    if block_at(connections.rpc, "latest").timestamp < held.activates_at:
        return False
    with connections.sessions.begin() as session:
        move(session, distribution, State.ACTIVE, activates_at=held.activates_at)
    log.info("root_active", root_index=distribution.root_index)
    return True


def _submit_again(connections: Connections, distribution: SettledDistribution) -> bool:
    """The block with our root was replaced: take the submission for pending again."""
    with connections.sessions.begin() as session:
        move(session, distribution, State.ATTESTED)
        connections.transactions.forget_mined(session, Effect(distribution.distribution_id, "submit_root"))
    log.warning("submission_reorged", root_index=distribution.root_index)
    return True
