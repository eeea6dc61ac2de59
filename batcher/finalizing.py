"""committed → finalized: after the challenge window, a batch's custody goes to the distributor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from batcher.jobs import move
from batcher.states import Purpose, State
from batcher.transactions import Effect, Standing
from ledger.chain.structs import BatchRecord, BatchStatus
from ledger.errors import ContractRevertedError

if TYPE_CHECKING:
    from batcher.parts import Parts, View
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)


def finalize(parts: Parts, job: BatchJob, view: View) -> bool:
    """Whether the job moved on: its finalisation was sent, or it is final or void, by whomever."""
    effect = Effect(job.job_id, Purpose.FINALIZE, parts.chains.l2)
    progress = parts.transactions.progress(effect)
    if progress.standing is Standing.PENDING:
        return False
    if progress.standing is Standing.MINED:
        return _end(parts, job, State.FINALIZED)
    batch_id, record = job.batch_id or 0, record_of(job)
    status = _status(parts, batch_id, record, view)
    if status is BatchStatus.FINALIZED:
        return _end(parts, job, State.FINALIZED)
    if status is not BatchStatus.OPEN:
        return _end(parts, job, State.VOIDED)
    parts.transactions.issue(effect, parts.chains.ledger.finalize_batch(batch_id, record))
    return True


def recheck_finalized(parts: Parts, job: BatchJob) -> bool:
    """Whether a finalised job moved back, because the L2 replaced the block that held its finalisation."""
    if parts.transactions.progress(Effect(job.job_id, Purpose.FINALIZE, parts.chains.l2)).receipt is not None:
        return False
    log.warning("finalization_reorged_out", job_id=job.job_id)
    return _end(parts, job, State.COMMITTED)


def record_of(job: BatchJob) -> BatchRecord:
    """What the ledger keeps the hash of while the job's batch is open."""
    committed_at = job.committed_at or 0
    return BatchRecord(
        status=BatchStatus.OPEN,
        operator=job.operator,
        lane=job.lane,
        first_seq=job.first_seq,
        count=job.count,
        total_fee_units=job.total_fee_units or 0,
        reserve_units=job.reserve_units or 0,
        first_committed_at=job.first_committed_at or committed_at,
        committed_at=committed_at,
        terms_from=job.terms_from or 0,
        attested_at=job.attested_at or 0,
        batch_commitment=job.batch_commitment or b"",
    )


def _status(parts: Parts, batch_id: int, record: BatchRecord, view: View) -> BatchStatus:
    """The batch's status; Voided if the ledger has another record of it than the one it was committed with."""
    try:
        return parts.chains.ledger.batch_status(batch_id, record, view.head)
    except ContractRevertedError as error:
        if error.error_name == "LedgerRecordMismatch":
            return BatchStatus.VOIDED
        raise


def _end(parts: Parts, job: BatchJob, state: State) -> bool:  # or back, after a reorg
    with parts.database.transaction() as session:
        move(session, job, state)
    report = log.error if state is State.VOIDED else log.info
    report(f"batch_{state.value}", job_id=job.job_id, batch_id=job.batch_id)
    return True
