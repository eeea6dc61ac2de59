"""attested → committed: the batch_commitment goes to the L2 ledger, in the lane's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from batcher.adoption import find_commit
from batcher.availability import layer_of
from batcher.contents import charges_of, versioned_hashes_of
from batcher.jobs import move
from batcher.refilling import may_refill, refill_call
from batcher.states import Purpose, State
from batcher.transactions import Effect, Standing
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchRefilled
from ledger.errors import BatchMismatchError

if TYPE_CHECKING:
    from batcher.parts import Parts, View
    from ledger.chain.transaction import Call
    from ledger.chain.tx_receipt import TxReceipt
    from ledger.db.models.batcher import BatchJob

COMMIT_FACTS = ("batch_id", "committed_at", "reserve_units", "terms_from", "attested_at")
"""What a job learns from its commit's event, by the same names: all that the ledger's record needs."""

log = structlog.get_logger(__name__)


def commit(parts: Parts, job: BatchJob, view: View) -> bool:
    """Whether the job moved on: its commit was sent, or is in a block.

    Raises:
        ContractRevertedError: the ledger, the bond or the operator's deposit does not allow it now.
    """
    progress = parts.transactions.progress(_effect(parts, job))
    if progress.receipt is not None:
        return _take(parts, job, event_of(parts, job, progress.receipt))
    if progress.standing is Standing.PENDING:
        return False
    if job.fill:
        if not may_refill(parts, job, view):
            return False
    else:
        next_seq = parts.chains.ledger.next_seq(job.operator, job.lane, view.head)
        if next_seq > job.first_seq:
            return _take_or_leave(parts, job, view)
        if next_seq < job.first_seq or not job.authorized:
            return False
    layer = layer_of(parts, job)
    if not layer.keeps(parts, job, view):
        return _move(parts, job, layer.published)
    tx = parts.transactions.issue(_effect(parts, job), _call(parts, job))
    log.info("commit_sent", job_id=job.job_id, l2_tx_hash="0x" + tx.hash.hex())
    return True


def recheck_committed(parts: Parts, job: BatchJob) -> bool:
    """Whether a committed job moved back, because the L2 replaced the block that held its commit."""
    progress = parts.transactions.progress(_effect(parts, job))
    if progress.receipt is None:
        log.warning("commit_reorged_out", job_id=job.job_id)
        facts = dict.fromkeys(COMMIT_FACTS) | {"batch_id": job.batch_id if job.fill else None}
        return _move(parts, job, layer_of(parts, job).committed_from, **facts)
    event = event_of(parts, job, progress.receipt)
    if (event.batch_id, event.committed_at) == (job.batch_id, job.committed_at):
        return False
    return _take(parts, job, event)  # mined again, in another block or under another id


def event_of(parts: Parts, job: BatchJob, receipt: TxReceipt) -> BatchCommitted | BatchRefilled:
    """The ledger's event of this job's commit, or of its refill.

    Raises:
        BatchMismatchError: the transaction committed something else.
    """
    for entry in parts.chains.events.decode_known(receipt.logs):
        event = entry.event
        if isinstance(event, BatchCommitted | BatchRefilled) and event.batch_commitment == job.batch_commitment:
            return event
    raise BatchMismatchError(f"The commit of job {job.job_id} did not commit its batch.")


def _call(parts: Parts, job: BatchJob) -> Call:
    with parts.database.transaction() as session:
        charges, hashes = charges_of(session, job), versioned_hashes_of(session, job)
    if job.fill:
        return refill_call(parts, job, hashes, charges)
    return layer_of(parts, job).commit_call(parts, job, hashes, charges)


def _take(parts: Parts, job: BatchJob, event: BatchCommitted | BatchRefilled) -> bool:
    log.info("batch_committed", job_id=job.job_id, batch_id=event.batch_id, receipts=job.count)
    facts = {name: getattr(event, name) for name in COMMIT_FACTS}
    return _move(parts, job, State.COMMITTED, **facts)


def _take_or_leave(parts: Parts, job: BatchJob, view: View) -> bool:
    """The ledger is past this job: it has this very batch from an earlier life of the database, or another one."""
    event = find_commit(parts, job, view)
    if event is not None:
        return _take(parts, job, event)
    log.error("lane_committed_by_another", job_id=job.job_id, lane=job.lane, first_seq=job.first_seq)
    return _move(parts, job, State.SUPERSEDED)


def _effect(parts: Parts, job: BatchJob) -> Effect:
    return Effect(job.job_id, Purpose.COMMIT, parts.chains.l2)


def _move(parts: Parts, job: BatchJob, state: State, **facts: object) -> bool:
    with parts.database.transaction() as session:
        move(session, job, state, **facts)
    return True
