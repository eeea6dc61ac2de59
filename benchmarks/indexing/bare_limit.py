"""What no indexer of these receipts can do without: ckzg over every blob on all processors, COPY of the same rows."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import ckzg

from benchmarks.core import FULL_BATCH, batch_of
from benchmarks.measuring.timing import Prepared
from benchmarks.measuring.writing import Writing
from ledger.protocol.blob.kzg import trusted_setup


def commit(blob: bytes) -> bytes:
    return bytes(ckzg.blob_to_kzg_commitment(blob, trusted_setup()))


class BareLimit:
    """A pool of one process a core that commits to blobs, and a connection that copies rows meanwhile."""

    def __init__(self, folder: Path, batches: int) -> None:
        self.receipts = batches * FULL_BATCH
        self._batches = batches
        self._stack = ExitStack()
        self._database = self._stack.enter_context(Writing(folder))
        cores = os.cpu_count() or 1
        pool = ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), trusted_setup)
        self._pool = self._stack.enter_context(pool)
        self._encoded = batch_of(FULL_BATCH, with_sets=False).encoded
        list(self._pool.map(commit, self._encoded.blobs * cores))

    def run(self) -> Prepared:
        """A contender; the rows are made before the clock starts."""
        pieces = [self._database.pieces(self._encoded) for _ in range(self._batches)]

        def work() -> None:
            committed = self._pool.map(commit, self._encoded.blobs * self._batches)
            for piece in pieces:
                self._database.copy(piece)
            list(committed)

        return work

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
