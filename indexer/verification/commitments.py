"""Commitments to blobs, worked out in processes of their own: ckzg keeps the interpreter to itself for 40 ms a blob."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Self

from ledger.errors import BlobNotAvailableError, KzgError
from ledger.protocol.blob.kzg import kzg_commitment, trusted_setup, versioned_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

FEW_BLOBS = 64
"""What costs more to check here than a process costs to start (two seconds, at 40 ms a blob), so that it is repaid."""


def commitment_if(blob: bytes, blob_hash: bytes) -> bytes | None:
    """The kzg_commitment of the bytes if they are the blob with this versioned hash, else None."""
    try:
        commitment = kzg_commitment(blob)
    except KzgError:
        return None
    return commitment if versioned_hash(commitment) == blob_hash else None


def _begin() -> None:
    """Ctrl-C reaches the whole group of processes; the owner ends its workers when it has finished what it writes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trusted_setup()


def trusted_setup_is_there() -> bool:
    """What a worker answers once it can work."""
    return True


class CommitmentPool:
    """Checks blobs against their hashes: in the caller's process at first, in `workers` others once there are many.

    A process costs two seconds and 60 MiB for the trusted setup, which following a chain's head does not repay.
    Thread-safe.
    """

    def __init__(self, workers: int, *, few_blobs: int = FEW_BLOBS) -> None:
        """With no workers, everything is checked in the caller's process; so are the first `few_blobs`."""
        self._workers = workers
        self._left = few_blobs
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._first: Future[bool] | None = None

    def check(self, blobs: Sequence[tuple[bytes, bytes]]) -> list[bytes | None]:
        """For each (versioned hash, bytes) the commitment, or None where the bytes are not that blob.

        Raises:
            BlobNotAvailableError: a worker was killed; the next call starts others.
        """
        hashes, contents = [h for h, _ in blobs], [b for _, b in blobs]
        pool = self._ready_pool(len(blobs))
        if pool is None:
            return list(map(commitment_if, contents, hashes))
        try:
            return list(pool.map(commitment_if, contents, hashes))
        except BrokenProcessPool as error:
            with self._lock:
                self._pool = self._first = None
            raise BlobNotAvailableError(
                "A blob could not be checked: the process that was at it was killed."
            ) from error

    def _ready_pool(self, blobs: int) -> ProcessPoolExecutor | None:
        """The workers, once there is enough for them to do and the first of them has loaded its setup."""
        with self._lock:
            self._left -= blobs
            if self._pool is None and self._workers and self._left < 0:
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self._workers, context, _begin)
                self._first = self._pool.submit(trusted_setup_is_there)
            return self._pool if self._first is not None and self._first.done() else None

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
