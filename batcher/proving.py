"""KZG commitments and proofs, computed in worker processes: a batch of six blobs costs more than a second of CPU."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ledger.chain.blob_tx import SidecarVersion
from ledger.protocol.blob import kzg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


PRECOMPUTE = 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProvedBlob:
    """A blob with its 48-byte commitment and its proofs laid end to end."""

    blob: bytes
    kzg_commitment: bytes
    proofs: bytes

    @property
    def versioned_hash(self) -> bytes:
        """The blob's name on L1."""
        return kzg.versioned_hash(self.kzg_commitment)


def prove(blob: bytes, version: SidecarVersion) -> ProvedBlob:
    """The blob's commitment and the proofs that this kind of sidecar carries."""
    commitment = kzg.kzg_commitment(blob)
    if version is SidecarVersion.CELL_PROOFS:
        return ProvedBlob(blob, commitment, b"".join(kzg.cell_proofs(blob)))
    return ProvedBlob(blob, commitment, kzg.blob_proof(blob, commitment))


class ProvingPool:
    """Worker processes that keep the trusted setup loaded; started when first needed."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def warm_up(self) -> None:
        """Start the first worker now, so that its setup is loaded when the first blob comes."""
        self._submit(lambda pool: pool.submit(_is_ready))

    def submit(self, blobs: Sequence[bytes], version: SidecarVersion) -> list[Future[ProvedBlob]]:
        """The blobs' proofs to come, in order."""
        return self._submit(lambda pool: [pool.submit(prove, blob, version) for blob in blobs])

    def _submit(self, task: Callable[[ProcessPoolExecutor], T]) -> T:
        try:
            return task(self._running())
        except BrokenProcessPool:
            self.close()  # a worker died (out of memory, say): begin anew
            return task(self._running())

    def close(self) -> None:
        """End the workers; proofs not yet begun are dropped."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def _running(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: a fork would share the parent's database connection.
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker
            )
        return self._pool


def _is_ready() -> bool:
    return True


def _prepare_worker() -> None:
    """Load the trusted setup, leave Ctrl-C to the parent, and end when the parent does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    kzg.trusted_setup(PRECOMPUTE)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)
