"""encoded → posted → attested: the blobs go out on L1, and their witness arrives on L2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from batcher.contents import sidecar_of
from batcher.jobs import move
from batcher.outbox import database_seconds
from batcher.states import Purpose, State
from batcher.transactions import Effect, Standing
from ledger.protocol.units import BLOB_MAX_AGE_SECONDS, HOUR_SECONDS

if TYPE_CHECKING:
    from batcher.parts import Parts, View
    from ledger.chain.blob_tx import Sidecar
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)

COMMIT_MARGIN_SECONDS = 2 * HOUR_SECONDS
"""A batch whose blobs would be too old this soon is posted again rather than committed in a race."""


def post(parts: Parts, job: BatchJob, view: View) -> bool:
    """Whether the job moved on: its blobs were sent, or are in an L1 block."""
    effect = _effect(parts, job)
    progress = parts.transactions.progress(effect, lambda: _sidecar(parts, job))
    if progress.standing is Standing.PENDING:
        return False
    if progress.standing is Standing.ABSENT:
        if attested_in_time(parts, job, view):
            # Posted before, by a database that was lost since: the L2 remembers.
            return _move(parts, job, State.POSTED)
        _send(parts, job, effect)
        return True
    receipt = progress.receipt
    assert receipt is not None
    log.info(
        "blobs_posted",
        job_id=job.job_id,
        l1_block=receipt.block_number,
        gas_used=receipt.gas_used,
        blob_gas_used=receipt.blob_gas_used,
    )
    return _move(parts, job, State.POSTED)


def attest(parts: Parts, job: BatchJob, view: View) -> bool:
    """Whether the job moved: on, when the L2 knows of its blobs; back, when they were dropped, not heard of, or aged."""
    attested_at = _attested_at(parts, job, view)
    if _is_fresh(attested_at, view):
        log.info("blobs_attested", job_id=job.job_id, l1_time=attested_at)
        return _move(parts, job, State.ATTESTED, posted_at=attested_at)
    effect = _effect(parts, job)
    progress = parts.transactions.progress(effect, lambda: _sidecar(parts, job))
    if progress.standing is not Standing.MINED:
        return _move(parts, job, State.ENCODED)
    if attested_at or _is_lost(parts, job):
        log.warning("blobs_too_old" if attested_at else "attestation_lost", job_id=job.job_id)
        # Back first: whether the new post was sent is then found out by the same road as ever. It goes alone, since
        # the relay that it shared has been used.
        _move(parts, job, State.ENCODED, shares_deposit=False)
        _send(parts, job, effect)
        return True
    return False


def attested_in_time(parts: Parts, job: BatchJob, view: View) -> int:
    """L1 second of the newest post that the L2 knows of, if a commit may still build on it; else 0."""
    attested_at = _attested_at(parts, job, view)
    return attested_at if _is_fresh(attested_at, view) else 0


def _is_fresh(attested_at: int, view: View) -> bool:
    return attested_at + BLOB_MAX_AGE_SECONDS - COMMIT_MARGIN_SECONDS > view.head.timestamp


def _is_lost(parts: Parts, job: BatchJob) -> bool:
    """Whether the L2 should have heard of the post long ago: a deposit that fails there is not tried again by anybody."""
    with parts.database.transaction() as session:
        waited_seconds = database_seconds(session) - job.changed_at.timestamp()
    return waited_seconds > parts.settings.attest_patience_seconds


def _attested_at(parts: Parts, job: BatchJob, view: View) -> int:
    return parts.chains.ledger.attested_at(job.post_hash or b"", view.head)


def _send(parts: Parts, job: BatchJob, effect: Effect) -> None:
    inbox = parts.chains.inbox
    call = inbox.queue_blobs() if job.shares_deposit else inbox.post_blobs()
    tx = parts.transactions.issue(effect, call, _sidecar(parts, job))
    log.info("blobs_sent", job_id=job.job_id, l1_tx_hash="0x" + tx.hash.hex(), blobs=job.blob_count)


def _effect(parts: Parts, job: BatchJob) -> Effect:
    return Effect(job.job_id, Purpose.POST, parts.chains.l1)


def _sidecar(parts: Parts, job: BatchJob) -> Sidecar:
    with parts.database.transaction() as session:
        return sidecar_of(session, job)


def _move(parts: Parts, job: BatchJob, state: State, **facts: object) -> bool:
    with parts.database.transaction() as session:
        move(session, job, state, **facts)
    return True
