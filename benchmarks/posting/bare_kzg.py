"""What no batcher can do without: ckzg's commitment and cell proofs of every blob, on all processors."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Self

import ckzg

from batcher.proving import PRECOMPUTE
from benchmarks.core import FULL_BATCH, batch_of
from ledger.protocol.blob.kzg import trusted_setup


def work(blob: bytes) -> int:
    """Commitment and cell proofs of one blob."""
    setup = trusted_setup()
    commitment = ckzg.blob_to_kzg_commitment(blob, setup)
    _, proofs = ckzg.compute_cells_and_kzg_proofs(blob, setup)
    return len(commitment) + len(proofs)


class BareKzg:
    """One process a processor, the setup loaded with the same tables as the batcher's."""

    def __init__(self) -> None:
        self._cores = os.cpu_count() or 1
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(self._cores, context, trusted_setup, (PRECOMPUTE,))
        self._blobs = batch_of(FULL_BATCH, with_sets=False).encoded.blobs
        list(self._pool.map(work, self._blobs[:1] * self._cores))

    def receipts_a_second(self) -> float:
        """Receipts of full batches whose blobs are proven in a second, nothing else done."""
        began = time.perf_counter()
        list(self._pool.map(work, self._blobs * self._cores))
        return FULL_BATCH * self._cores / (time.perf_counter() - began)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
