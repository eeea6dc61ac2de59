"""Posts that share a deposit: one L1 transaction attests many queued posts, each with its own time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from batcher.outbox import database_seconds
from batcher.states import Purpose, State
from batcher.transactions import Effect, Standing
from ledger.db.models.batcher import BatchJob, BatchTransaction, RelayedPost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from batcher.parts import Parts

log = structlog.get_logger(__name__)


def relay(parts: Parts, posted: Sequence[BatchJob], *, no_more_come: bool) -> bool:
    """Whether a relay was sent for posted jobs that share deposits.

    A relay goes out for `share_deposits` posts, or for fewer when one of them has waited long enough, or when no more
    come.
    """
    waiting = [job for job in posted if job.shares_deposit and job.state == State.POSTED]
    if not waiting:
        return False
    with parts.database.transaction() as session:
        leaders = _leaders(session, waiting)
        # Clock seconds, never money.
        waited = database_seconds(session) - min(job.changed_at for job in waiting).timestamp()
    resent = [_resend(parts, leader, waiting, leaders) for leader in sorted(set(leaders.values()))]
    fresh = [job for job in waiting if job.job_id not in leaders][: parts.settings.share_deposits]
    full = len(fresh) >= parts.settings.share_deposits
    if fresh and (full or no_more_come or waited >= parts.settings.share_wait_seconds):
        _send(parts, fresh[0].job_id, fresh)
        return True
    return any(resent)


def _resend(parts: Parts, leader: int, waiting: Sequence[BatchJob], leaders: dict[int, int]) -> bool:
    """Look after a relay that was sent before; sent anew if it can't be mined any more."""
    effect = Effect(leader, Purpose.RELAY, parts.chains.l1)
    if parts.transactions.progress(effect).standing is not Standing.ABSENT:
        return False
    _send(parts, leader, [job for job in waiting if leaders.get(job.job_id) == leader])
    return True


def _send(parts: Parts, leader: int, jobs: Sequence[BatchJob]) -> None:
    """One relay for these jobs' posts, recorded with them under the first job."""

    def remember(session: Session, transaction_id: int) -> None:
        session.add_all(RelayedPost(transaction_id=transaction_id, job_id=job.job_id) for job in jobs)

    call = parts.chains.inbox.relay([job.post_hash or b"" for job in jobs])
    parts.transactions.issue(Effect(leader, Purpose.RELAY, parts.chains.l1), call, along=remember)
    log.info("relay_sent", posts=len(jobs), job_id=leader)


def _leaders(session: Session, waiting: Sequence[BatchJob]) -> dict[int, int]:
    """For each job that a relay was sent for, the job that the relay is recorded under."""
    rows = (
        select(RelayedPost.job_id, BatchTransaction.job_id)
        .join(BatchTransaction, BatchTransaction.transaction_id == RelayedPost.transaction_id)
        .where(RelayedPost.job_id.in_([job.job_id for job in waiting]))
        .order_by(RelayedPost.transaction_id)
    )
    return {job_id: leader for job_id, leader in session.execute(rows)}  # noqa: C416  mypy wants pairs, not rows
