"""Blobs of unattested batches that somebody demanded: posted on L1 and shown to the contract, before the batch is lost.

Whoever demands a blob pays a deposit for it and waits two days; a blob that is not posted by then voids the batch. So
every batch that was committed unattested is looked at once a minute while it is open. Only what was demanded is posted.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

from batcher.contents import charges_of, header_of, sidecar_of, versioned_hashes_of
from batcher.finalizing import record_of
from batcher.jobs import unattested_jobs
from batcher.posting import COMMIT_MARGIN_SECONDS
from batcher.states import Purpose
from batcher.transactions import Effect, Standing
from ledger.chain.contracts.blob_demands import BlobDemands
from ledger.chain.contracts.challenges import CommittedBatch
from ledger.chain.structs import DemandStatus
from ledger.protocol.batch import post_hash
from ledger.protocol.units import BLOB_MAX_AGE_SECONDS, CHALLENGE_WINDOW_SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batcher.parts import Parts, View
    from ledger.chain.blob_tx import Sidecar
    from ledger.db.models.batcher import BatchJob

log = structlog.get_logger(__name__)

_EVERY_SECONDS: Final = 60.0


class Answering:
    """Sees to demands. One for each batcher process; what it knows is on the chains and in `batch_transactions`.

    Attributes:
        demanded: jobs with demands that are open now, as far as the last look told.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._demands = BlobDemands(parts.chains.l2.rpc, parts.chains.deployment.l2.blob_demands)
        self._next_look = 0.0
        self._told = set[tuple[int, int]]()
        self.demanded: list[BatchJob] = []

    def look(self, view: View) -> None:
        """Find the jobs with open demands anew, if it is time or there were some."""
        if not self.demanded and time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _EVERY_SECONDS
        self.demanded = [job for job in self._unattested() if self._standing(job, view)[1]]

    def may_finalize(self, job: BatchJob, view: View) -> bool:
        """Whether no demand holds the job's batch open: none is open, and the last answer's window is over."""
        if job.attested_at:
            return True
        posted_at, open_demands = self._standing(job, view)
        return not open_demands and posted_at + CHALLENGE_WINDOW_SECONDS < view.head.timestamp

    def answer(self, job: BatchJob, view: View) -> bool:
        """Whether a step was taken: the demanded blobs were sent to L1, or an answer to the L2.

        Raises:
            ContractRevertedError: the contract does not take the answer, and why.
        """
        with self._parts.database.transaction() as session:
            hashes = versioned_hashes_of(session, job)
        wanted = [hashes[blob] for blob in self._open_blobs(job, hashes, view)]
        effect = Effect(job.job_id, Purpose.POST_DEMANDED, self._parts.chains.l1)
        sent = self._parts.transactions.newest(effect)
        posted = sent.transaction.versioned_hashes if sent else ()
        progress = self._parts.transactions.progress(effect, lambda: self._sidecar(job, posted))
        if progress.standing is Standing.PENDING:
            return False
        answerable = [blob_hash for blob_hash in wanted if blob_hash in posted]
        if progress.standing is Standing.MINED and answerable:
            attested_at = self._parts.chains.ledger.attested_at(post_hash(posted), view.head)
            if attested_at + BLOB_MAX_AGE_SECONDS - COMMIT_MARGIN_SECONDS > view.head.timestamp:
                return self._show(job, hashes, posted, answerable[0])
            if not attested_at and not self._is_lost(effect):
                return False  # its deposit is on the way
        if wanted:
            call = self._parts.chains.inbox.post_blobs()
            self._parts.transactions.issue(effect, call, self._sidecar(job, wanted))
            log.info("demanded_blobs_sent", job_id=job.job_id, batch_id=job.batch_id, blobs=len(wanted))
        return bool(wanted)

    def _is_lost(self, effect: Effect) -> bool:
        """Whether the L2 should have heard of the post long ago: a batch must not be voided for a deposit that failed."""
        if self._parts.transactions.seconds_since(effect) <= self._parts.settings.attest_patience_seconds:
            return False
        log.warning("attestation_lost", job_id=effect.job_id)
        return True

    def _show(self, job: BatchJob, hashes: Sequence[bytes], posted: Sequence[bytes], blob_hash: bytes) -> bool:
        """Whether the answer to one demand was sent; they go one after the other."""
        effect = Effect(job.job_id, Purpose.ANSWER, self._parts.chains.l2)
        if self._parts.transactions.progress(effect).standing is Standing.PENDING:
            return False
        with self._parts.database.transaction() as session:
            charges = tuple(charges_of(session, job))
        batch = CommittedBatch(job.batch_id or 0, record_of(job), header_of(job), tuple(hashes), charges)
        blob = list(hashes).index(blob_hash)
        call = self._demands.answer(batch, blob, posted, list(posted).index(blob_hash))
        self._parts.transactions.issue(effect, call)
        log.info("demand_answered", job_id=job.job_id, batch_id=job.batch_id, blob=blob)
        return True

    def _open_blobs(self, job: BatchJob, hashes: Sequence[bytes], view: View) -> list[int]:
        """The blobs of the job's batch that are demanded and not answered yet."""
        record_hash = self._record_hash(job, view)
        found = []
        for blob in range(len(hashes)):
            demand = self._demands.demand_of(job.batch_id or 0, record_hash, blob, view.head)
            if demand.status != DemandStatus.OPEN:
                continue
            found.append(blob)
            if (job.job_id, blob) not in self._told:
                self._told.add((job.job_id, blob))
                left = demand.due_at - view.head.timestamp
                log.warning("blob_demanded", batch_id=job.batch_id, blob=blob, seconds_left=left)
        return found

    def _standing(self, job: BatchJob, view: View) -> tuple[int, int]:
        return self._demands.standing(job.batch_id or 0, self._record_hash(job, view), view.head)

    def _record_hash(self, job: BatchJob, view: View) -> bytes:
        return self._parts.chains.ledger.batch_hash(job.batch_id or 0, view.head)

    def _unattested(self) -> list[BatchJob]:
        with self._parts.database.transaction() as session:
            return unattested_jobs(session, self._parts.chains.deployment, self._parts.chains.operator)

    def _sidecar(self, job: BatchJob, wanted: Sequence[bytes]) -> Sidecar:
        with self._parts.database.transaction() as session:
            return sidecar_of(session, job, wanted)
