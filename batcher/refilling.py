"""voided → selected again: the receipts of a voided batch are posted anew, its payers refunded, its hole filled.

Only what final L2 blocks say of a voiding is acted on. A hole stays open for REPOST_DEADLINE after the voiding, at most
until a challenge window and a REPOST_DEADLINE after the first commit, and then is final: its receipts neither pay nor prove.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import func, select

from batcher.contents import charges_of, header_of, versioned_hashes_of
from batcher.finalizing import record_of
from batcher.jobs import begin_refill, commit_blocks, committed_batches, filling_before, holes, move, refills
from batcher.states import Purpose, State
from batcher.transactions import Effect, Standing
from ledger.chain.events.receipt_ledger import BatchVoided
from ledger.chain.logs import fetch_logs
from ledger.chain.structs import BatchRecord, BatchStatus
from ledger.db.models.batcher import BatchTransaction
from ledger.protocol.units import DAY_SECONDS, REFILL_LIMIT_SECONDS, REPOST_DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batcher.parts import Parts, View
    from ledger.chain.transaction import Call
    from ledger.db.models.batcher import BatchJob
    from ledger.protocol.batch import Charge

log = structlog.get_logger(__name__)

PAYERS_AT_ONCE: Final = 100
"""Refunds in one transaction: about 6 million gas at most."""
WITHHELD: Final = "blob_withheld"
"""Fault of an unattested batch a blob of which was demanded and not posted in time."""
_BLOCKS_AT_ONCE: Final = 5_000


class Refilling:
    """Notices voided batches, and begins to fill their holes. One for each batcher process."""

    def __init__(self, parts: Parts) -> None:
        """Begin with nothing known: the first look reads from the oldest commit that is still open."""
        self._parts = parts
        self._next_block: int | None = None
        self._lost = set[int]()
        self._warned = set[int]()

    def look(self, view: View) -> bool:
        """Whether a filling was found void, or a hole began to be filled or was given up."""
        if self._next_block is None:
            self._retry()
        found = self._voided(view)
        began = [self._begin(job, view) for job in self._holes()]
        ended = [self._watch(job, view) for job in self._refills()]
        return found or any(began) or any(ended)

    def _voided(self, view: View) -> bool:
        """Move the committed jobs whose batch was voided in a block that is final by now."""
        parts = self._parts
        with parts.database.transaction() as session:
            mine = committed_batches(session, parts.chains.deployment, parts.chains.operator)
            oldest = commit_blocks(session, parts.chains.deployment, parts.chains.operator)
        first = self._next_block
        if first is None:
            first = parts.chains.deployment.l2.deployed_at_block if oldest is None else oldest
        moved = False
        if mine and first <= view.finalized.number:
            for event in self._events(first, view.finalized.number):
                job = mine.get(event.batch_id)
                if job is not None and self._is_void(job, view):
                    fault = _fault(event)
                    log.error("batch_voided", job_id=job.job_id, batch_id=job.batch_id, fault=fault)
                    self._move(job, State.VOIDED, void_fault=fault)
                    moved = True
        self._next_block = max(first, view.finalized.number + 1)
        return moved

    def _events(self, first: int, last: int) -> list[BatchVoided]:
        chains, found = self._parts.chains, []
        topic = chains.ledger.abi.events["BatchVoided"].topic
        for start in range(first, last + 1, _BLOCKS_AT_ONCE):
            until = min(start + _BLOCKS_AT_ONCE - 1, last)
            raw_logs = fetch_logs(chains.l2.rpc, start, until, [chains.ledger.address], [topic])
            found += [entry.event for entry in chains.events.decode_known(raw_logs)]
        return [event for event in found if isinstance(event, BatchVoided)]

    def _is_void(self, job: BatchJob, view: View) -> bool:
        """Whether this filling is the one that was voided: an earlier one's event may be read again."""
        voided_at, _ = self._parts.chains.ledger.voiding(job.batch_id or 0, view.finalized)
        return voided_at >= (job.committed_at or 0)

    def _holes(self) -> list[BatchJob]:
        with self._parts.database.transaction() as session:
            found = holes(session, self._parts.chains.deployment, self._parts.chains.operator)
        return [job for job in found if job.job_id not in self._lost]

    def _begin(self, job: BatchJob, view: View) -> bool:
        """Whether a job was made to fill the hole."""
        voided_at, _ = self._parts.chains.ledger.voiding(job.batch_id or 0, view.finalized)
        if not voided_at:
            return False  # not final yet
        if view.head.timestamp > _fill_by(job, voided_at):
            self._lost.add(job.job_id)
            log.error("hole_final", batch_id=job.batch_id, lane=job.lane, first_seq=job.first_seq, receipts=job.count)
            return False
        if job.void_fault is None:
            self._learn_fault(job, view)
        with self._parts.database.transaction() as session:
            made = begin_refill(session, job)
        log.info("refill_begun", job_id=made.job_id, batch_id=made.batch_id, fill=made.fill)
        return True

    def _learn_fault(self, job: BatchJob, view: View) -> None:
        """Of a filling that was found void when it was to be finalised: what its voiding's event says."""
        with self._parts.database.transaction() as session:
            oldest = commit_blocks(session, self._parts.chains.deployment, job.operator, State.VOIDED)
        first = self._parts.chains.deployment.l2.deployed_at_block if oldest is None else oldest
        faults = [
            _fault(event) for event in self._events(first, view.finalized.number) if event.batch_id == job.batch_id
        ]
        self._move(job, State.VOIDED, void_fault=faults[-1] if faults else None)

    def _refills(self) -> list[BatchJob]:
        with self._parts.database.transaction() as session:
            return refills(session, self._parts.chains.deployment, self._parts.chains.operator)

    def _watch(self, job: BatchJob, view: View) -> bool:
        """Whether a filling was given up because its hole is final; told a day before."""
        voided_at, _ = self._parts.chains.ledger.voiding(job.batch_id or 0, view.head)
        left = _fill_by(job, voided_at) - view.head.timestamp
        if left < 0 and job.state != State.FAULTED and not self._is_pending(job):
            why = f"The hole of batch {job.batch_id} is final: it was not filled in time."
            log.error("hole_final", batch_id=job.batch_id, lane=job.lane, first_seq=job.first_seq, receipts=job.count)
            self._move(job, State.FAULTED, fault=why)
            return True
        if 0 <= left < DAY_SECONDS and job.job_id not in self._warned:
            self._warned.add(job.job_id)
            log.error("refill_late", job_id=job.job_id, batch_id=job.batch_id, state=job.state, seconds_left=left)
        return False

    def _is_pending(self, job: BatchJob) -> bool:
        """Whether its commit was mined, or may still be."""
        progress = self._parts.transactions.progress(Effect(job.job_id, Purpose.COMMIT, self._parts.chains.l2))
        return progress.standing is not Standing.ABSENT

    def _retry(self) -> None:
        """Take faulted fillings up again: this may be a program without the fault."""
        for job in self._refills():
            if job.state == State.FAULTED and job.batch_commitment is None:
                self._move(job, State.SELECTED, fault=None)

    def _move(self, job: BatchJob, state: State, **facts: object) -> None:
        with self._parts.database.transaction() as session:
            move(session, job, state, **facts)


def may_refill(parts: Parts, job: BatchJob, view: View) -> bool:
    """Whether all payers of the voided filling have been refunded; if not, the next refund is seen to.

    Raises:
        ContractRevertedError: the ledger refuses the refund, and why.
    """
    effect = Effect(job.job_id, Purpose.REFUND, parts.chains.l2)
    if parts.transactions.progress(effect).standing is Standing.PENDING:
        return False
    _, outstanding = parts.chains.ledger.voiding(job.batch_id or 0, view.head)
    if not outstanding:
        return True
    tx = parts.transactions.issue(effect, _refund_call(parts, job))
    log.info("refunds_sent", job_id=job.job_id, batch_id=job.batch_id, l2_tx_hash="0x" + tx.hash.hex())
    return False


def refill_call(parts: Parts, job: BatchJob, hashes: Sequence[bytes], charges: Sequence[Charge]) -> Call:
    """The commit of this filling into the hole of the one before."""
    with parts.database.transaction() as session:
        before = filling_before(session, job)
    return parts.chains.ledger.recommit_batch(
        job.batch_id or 0, _voided_record(before), header_of(job), hashes, charges
    )


def _refund_call(parts: Parts, job: BatchJob) -> Call:
    """The refund of the next payers in turn; of those that somebody refunded meanwhile, nothing happens twice."""
    with parts.database.transaction() as session:
        before = filling_before(session, job)
        charges, hashes = charges_of(session, before), versioned_hashes_of(session, before)
        sent = select(func.count(func.distinct(BatchTransaction.nonce))).where(
            BatchTransaction.job_id == job.job_id, BatchTransaction.purpose == Purpose.REFUND.value
        )
        turns = session.scalar(sent) or 0
    parts_in_all = -(-len(charges) // PAYERS_AT_ONCE)
    first = turns % parts_in_all * PAYERS_AT_ONCE
    payers = range(first, min(first + PAYERS_AT_ONCE, len(charges)))
    record = _voided_record(before)
    return parts.chains.ledger.refund(job.batch_id or 0, record, header_of(before), hashes, charges, payers)


def _fault(event: BatchVoided) -> str:
    return event.fault.rstrip(b"\0").decode("ascii", "replace")


def _fill_by(job: BatchJob, voided_at: int) -> int:
    """The last second at which the hole can be filled."""
    first = job.first_committed_at or job.committed_at or 0
    return min(voided_at + REPOST_DEADLINE_SECONDS, first + REFILL_LIMIT_SECONDS)


def _voided_record(job: BatchJob) -> BatchRecord:
    """What the ledger keeps the hash of since the filling was voided."""
    return replace(record_of(job), status=BatchStatus.VOIDED, reserve_units=0)
