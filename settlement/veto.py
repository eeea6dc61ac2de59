"""An attester's second duty: recompute every root that waits for its activation, and disable a wrong one.

A quorum can be bought or share a fault; one attester that looks again is enough to stop its root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import text

from ledger.errors import ContractRevertedError, NotYetFinalError, TributaryError
from ledger.protocol.distribution import Distribution
from settlement.database_errors import database_errors
from settlement.scope import ThroughBlock

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
    from ledger.chain.sender import Sender
    from settlement.attester import Attester

log = structlog.get_logger(__name__)

# Roots that may still be disabled, by the clock of the newest block that is indexed.
PENDING_ROOTS: Final = text("""
    SELECT root_index, root, total_cumulative_units, through_l2_block, through_l2_block_hash, data_hash
    FROM distribution_roots r
    WHERE disabled_block_number IS NULL
      AND activates_at > (SELECT timestamp FROM heads WHERE chain_id = :chain_id AND tag = 'latest')
    ORDER BY root_index
""")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an attester thinks of a submitted root; `fault` is None for a right one."""

    root_index: int
    fault: str | None


def judge_pending(attester: Attester, engine: Engine) -> list[Judgement]:
    """A judgement of each root that waits; one that this attester can't compute yet is left out and logged."""
    with engine.connect() as connection:
        rows = connection.execute(PENDING_ROOTS, {"chain_id": attester.scope.chain_id}).all()
    judgements = []
    for row in rows:
        message = Distribution(
            root_index=row.root_index,
            root=bytes(row.root),
            total_cumulative_units=int(row.total_cumulative_units),
            through_l2_block=row.through_l2_block,
            through_l2_block_hash=bytes(row.through_l2_block_hash),
            data_hash=bytes(row.data_hash),
        )
        try:
            judgements.append(Judgement(row.root_index, _fault(attester, message)))
        except NotYetFinalError as error:
            log.warning("root_not_judged_yet", root_index=row.root_index, reason=str(error))
    return judgements


def _fault(attester: Attester, message: Distribution) -> str | None:
    through = ThroughBlock(message.through_l2_block, message.through_l2_block_hash)
    own = attester.compute(message.root_index, through).message
    if own.root != message.root:
        return f"its root is 0x{message.root.hex()}, our index gives 0x{own.root.hex()}"
    if own.total_cumulative_units != message.total_cumulative_units:
        return f"its total is {message.total_cumulative_units}, our index gives {own.total_cumulative_units}"
    if not attester.knows_block(through):
        return f"L2 block {through.number} has another hash"
    if own.data_hash != message.data_hash:
        return "its file is not the one that its root stands for"
    return None


def disable_wrong_roots(
    attester: Attester, engine: Engine, distributor: RoyaltyDistributor, sender: Sender
) -> list[Judgement]:
    """All judgements, after every wrong root was disabled; one that somebody disabled meanwhile is as good.

    Raises:
        TributaryError: a wrong root could not be disabled; try again before it becomes active.
    """
    judgements = judge_pending(attester, engine)
    for judgement in judgements:
        if judgement.fault is None:
            continue
        log.error("root_is_wrong", root_index=judgement.root_index, fault=judgement.fault)
        try:
            sender.execute(distributor.disable_root(judgement.root_index))
        except ContractRevertedError as error:
            if error.error_name != "DistributorRootDisabled":
                raise
        log.info("root_disabled", root_index=judgement.root_index)
    return judgements


def watch_once(
    attester: Attester, engine: Engine, distributor: RoyaltyDistributor, sender: Sender
) -> TributaryError | None:
    """The error that kept this look from being made, for a loop that goes on; None if it was made."""
    try:
        with database_errors():
            disable_wrong_roots(attester, engine, distributor, sender)
    except TributaryError as error:
        log.warning("roots_not_watched", reason=str(error))
        return error
    return None
