"""selected → encoded: receipts become blobs, and worker processes prove them."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from batcher.contents import blobs_of
from batcher.encoding import encode_checked
from batcher.jobs import Way, filling_before, store_encoded
from batcher.outbox import entries
from batcher.refilling import WITHHELD
from batcher.states import Layer
from ledger.errors import BatchMismatchError, ProcessFailedError

if TYPE_CHECKING:
    from batcher.parts import Parts
    from batcher.proving import ProvedBlob
    from ledger.db.models.batcher import BatchJob
    from ledger.protocol.blob.encode import EncodedBatch

_MOST_BREAKS = 5
_AHEAD = 2
"""Batches with the workers at a time: one that they prove and one that waits for them. More would be encoded while what
is proven already waits to be sent."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Proving:
    """A batch whose blobs are with the workers."""

    batch: EncodedBatch
    futures: list[Future[ProvedBlob]]


class Preparation:
    """Batches between receipts and stored blobs; kept in memory only, since they can be made again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._under_way: dict[int, _Proving] = {}
        self._breaks = 0

    def advance(self, job: BatchJob) -> bool:
        """Whether the job moved on: begun, unless enough others are under way, or encoded.

        Raises:
            ProtocolError: these receipts make no honest batch.
            ProcessFailedError: worker processes die again and again.
        """
        proving = self._under_way.get(job.job_id)
        if proving is None:
            if sum(not _is_done(other) for other in self._under_way.values()) >= _AHEAD:
                return False
            self._under_way[job.job_id] = self._begin(job)
            return True
        if not _is_done(proving):
            return False
        del self._under_way[job.job_id]
        try:
            proved = [future.result() for future in proving.futures]
        except BrokenProcessPool as error:
            self._breaks += 1
            if self._breaks >= _MOST_BREAKS:
                raise ProcessFailedError("The processes that compute KZG proofs end as soon as they start.") from error
            log.warning("proving_begun_again", job_id=job.job_id)
            return True
        self._breaks = 0
        self._store(job, proving.batch, proved)
        return True

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a worker to finish a blob, at most so long; False at once if none is at work."""
        futures = [f for proving in self._under_way.values() for f in proving.futures if not f.done()]
        if futures:
            wait(futures, timeout_seconds, FIRST_COMPLETED)
        return bool(futures)

    def _begin(self, job: BatchJob) -> _Proving:
        parts = self._parts
        seqs = range(job.first_seq, job.first_seq + job.count)
        with parts.database.transaction() as session:
            receipts = entries(session, job.operator, job.lane, seqs, parts.chains.deployment.receipt_domain)
            before = filling_before(session, job) if job.fill else None
            # Blobs that were only withheld were right: posted now, they fill the hole.
            voided = [] if before is None or before.void_fault == WITHHELD else blobs_of(session, before)
        batch = encode_checked(receipts, job.attribution_method, job.attribution_params_hash)
        if list(batch.blobs) == voided:
            raise BatchMismatchError(
                f"Batch {job.batch_id} was voided, and its receipts give the same blobs again: filling its hole with "
                "them would cost the bond again. Start a batcher without the fault before the hole is final."
            )
        return _Proving(batch, parts.proving.submit(batch.blobs, parts.sidecar))

    def _store(self, job: BatchJob, batch: EncodedBatch, proved: list[ProvedBlob]) -> None:
        parts = self._parts
        sharing = parts.settings.share_deposits > 1
        # A refill must be attested, so its blobs go to L1.
        layer = Layer.ALTDA if parts.settings.altda_url and not job.fill else Layer.ETHEREUM
        with parts.database.transaction() as session:
            store_encoded(session, job, batch.header, batch.charges, proved, Way(layer, parts.sidecar, sharing))
        log.info("batch_encoded", job_id=job.job_id, blobs=len(proved), total_fee_units=batch.header.total_fee_units)


def _is_done(proving: _Proving) -> bool:
    return all(future.done() for future in proving.futures)
