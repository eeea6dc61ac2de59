"""encoded → stored: blobs behind an Alt-DA server (EigenDA's proxy), read back before anything is built on them.

A put takes from milliseconds to minutes, so each has a thread of its own and nothing waits for it. Where the server says
that its layer is down (503), or fails for longer than the operator's patience, the batch goes to L1 instead: receipts have
a deadline, layers do not.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

import structlog

from batcher.contents import blobs_of, header_of
from batcher.jobs import move
from batcher.outbox import database_seconds
from batcher.states import Layer, State
from ledger.errors import DataLayerUnavailableError, RetryableError
from ledger.protocol.blob.payload import payload_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batcher.parts import Parts, View
    from ledger.chain.altda import AltDaClient
    from ledger.chain.transaction import Call
    from ledger.db.models.batcher import BatchJob
    from ledger.protocol.batch import Charge

log = structlog.get_logger(__name__)

_PAUSE_SECONDS: Final = 2.0
"""Between two attempts to put a batch: clock seconds."""


class AltDa:
    """Blobs under an Alt-DA server's commitments. What is under way is kept in memory only: a put is made again."""

    published = State.STORED
    committed_from = State.STORED

    def __init__(self, client: AltDaClient | None, patience_seconds: int, timeout_seconds: float) -> None:
        """Take the server; None if none is set any more, though a job may still be on its way there.

        Args:
            client: the server.
            patience_seconds: how long a batch is tried with it.
            timeout_seconds: how long it may be silent, which says nothing of how long it may trickle.
        """
        self._client = client
        self._patience_seconds = patience_seconds
        self._longest_seconds = patience_seconds + 2 * timeout_seconds  # to put, and to read back
        self._under_way: dict[int, tuple[Future[bytes | None], float]] = {}
        self._again_at: dict[int, float] = {}

    def publish(self, parts: Parts, job: BatchJob, view: View) -> bool:
        del view
        if self._client is None:
            return self._fail_over(parts, job, "no Alt-DA server is set")
        under_way = self._under_way.get(job.job_id)
        if under_way is None:
            return self._begin(self._client, parts, job)
        keeping, began = under_way
        if not keeping.done() and time.monotonic() < began + self._longest_seconds:
            return False
        del self._under_way[job.job_id]
        if not keeping.done():  # its thread ends with the program, if not before
            return self._fail_over(parts, job, "its answer does not end")
        try:
            commitment = keeping.result()
        except RetryableError as error:
            return self._failed(parts, job, error)
        if commitment is None:
            return self._fail_over(parts, job, "it says that its layer is down")
        with parts.database.transaction() as session:
            move(session, job, State.STORED, data_commitment=commitment)
        log.info("blobs_stored", job_id=job.job_id, blobs=job.blob_count, data_commitment="0x" + commitment.hex())
        return True

    def keeps(self, parts: Parts, job: BatchJob, view: View) -> bool:
        del parts, view
        return job.data_commitment is not None

    def commit_call(self, parts: Parts, job: BatchJob, hashes: Sequence[bytes], charges: Sequence[Charge]) -> Call:
        return parts.chains.ledger.commit_unattested(header_of(job), hashes, charges, job.data_commitment or b"")

    def _begin(self, client: AltDaClient, parts: Parts, job: BatchJob) -> bool:
        if time.monotonic() < self._again_at.get(job.job_id, 0.0):
            return False
        with parts.database.transaction() as session:
            payload = payload_of(blobs_of(session, job))
        keeping: Future[bytes | None] = Future()
        self._under_way[job.job_id] = keeping, time.monotonic()
        # A daemon: a server that hangs must not keep the program from ending.
        threading.Thread(target=_keep, args=(client, payload, keeping), daemon=True).start()
        return True

    def _failed(self, parts: Parts, job: BatchJob, error: RetryableError) -> bool:
        """Try again in a while, or go to L1 if that has been so for long enough.

        Raises:
            RetryableError: the same, while there is patience left.
        """
        with parts.database.transaction() as session:
            waited_seconds = database_seconds(session) - job.changed_at.timestamp()
        if waited_seconds >= self._patience_seconds:
            return self._fail_over(parts, job, str(error))
        self._again_at[job.job_id] = time.monotonic() + _PAUSE_SECONDS
        raise error

    def _fail_over(self, parts: Parts, job: BatchJob, reason: str) -> bool:
        log.warning("altda_failed_over", job_id=job.job_id, reason=reason)
        with parts.database.transaction() as session:
            move(session, job, State(job.state), data_layer=Layer.ETHEREUM.value)
        return True


def _keep(client: AltDaClient, payload: bytes, keeping: Future[bytes | None]) -> None:
    """Put a payload and read it back; the future gets its commitment, or None if the layer is down."""
    try:
        commitment = client.put(payload)
        if commitment is not None and client.get(commitment) != payload:
            raise DataLayerUnavailableError(f"The Alt-DA server {client.name} answers other bytes than it was given.")
        keeping.set_result(commitment)
    except BaseException as error:  # noqa: BLE001  whatever it is, the thread that waits for it raises it
        keeping.set_exception(error)
