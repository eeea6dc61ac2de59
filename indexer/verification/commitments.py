"""Commitments to blobs, worked out in processes of their own: ckzg keeps the interpreter to itself for 40 ms a blob."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Self

from ledger.errors import KzgError
from ledger.protocol.blob.kzg import kzg_commitment, trusted_setup, versioned_hash

if TYPE_CHECKING:
    from collections.abc import Sequence


def commitment_if(blob: bytes, blob_hash: bytes) -> bytes | None:
    """The kzg_commitment of the bytes if they are the blob with this versioned hash, else None."""
    try:
        commitment = kzg_commitment(blob)
    except KzgError:
        return None
    return commitment if versioned_hash(commitment) == blob_hash else None


class CommitmentPool:
    """Checks blobs against their hashes in `workers` processes; with none, in the caller's."""

    def __init__(self, workers: int) -> None:
        self._pool = (
            ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), trusted_setup) if workers else None
        )

    def check(self, blobs: Sequence[tuple[bytes, bytes]]) -> list[bytes | None]:
        """For each (versioned hash, bytes) the commitment, or None where the bytes are not that blob."""
        hashes, contents = [h for h, _ in blobs], [b for _, b in blobs]
        if self._pool is None:
            return list(map(commitment_if, contents, hashes))
        return list(self._pool.map(commitment_if, contents, hashes))

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
