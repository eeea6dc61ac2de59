"""KZG proofs of archived blobs, worked out in a process of their own and kept: about 40 ms of CPU each, once."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from ledger.archive import BlobArchive
from ledger.errors import BlobNotAvailableError
from ledger.protocol.blob.kzg import Opening, blob_proof, kzg_commitment, open_at, trusted_setup
from ledger.protocol.explain.document import BlobPart, OpeningPart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from api.explain.kept_files import KeptFiles


def prove_blob(archive: str, blob_hash: bytes) -> bytes:
    """The blob's part of a file, as JSON."""
    blob = _read(archive, blob_hash)
    commitment = kzg_commitment(blob)
    part = BlobPart(kzg_commitment=commitment, proof=blob_proof(blob, commitment), blob=blob).sealed()
    return part.model_dump_json(by_alias=True).encode()


def open_blob(archive: str, blob_hash: bytes, element: int) -> Opening:
    """The opening of one element."""
    return open_at(_read(archive, blob_hash), element)


def _read(archive: str, blob_hash: bytes) -> bytes:
    blob = BlobArchive(archive).get(blob_hash)
    if blob is None:
        raise BlobNotAvailableError(f"Blob 0x{blob_hash.hex()} is not in the archive of this API.")
    return blob


class BlobProofs:
    """Proofs of the blobs in an archive. Thread-safe; `close` ends the process."""

    def __init__(self, archive: str | Path, kept: KeptFiles) -> None:
        self._archive = str(archive)
        self._kept = kept
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def blob(self, blob_hash: bytes) -> BlobPart:
        """A whole blob with its proof.

        Raises:
            BlobNotAvailableError: the archive lacks it.
        """
        content = self._kept.get_or_make(
            f"blob-{blob_hash.hex()}", lambda: self._workers().submit(prove_blob, self._archive, blob_hash).result()
        )
        return BlobPart.model_validate_json(content)

    def openings(self, places: Sequence[tuple[int, bytes, int]]) -> list[OpeningPart]:
        """Openings of (blob's index in its batch, versioned hash, element), in the order given.

        Raises:
            BlobNotAvailableError: the archive lacks one of the blobs.
        """
        return [self._opening(blob_index, blob_hash, element) for blob_index, blob_hash, element in places]

    def _opening(self, blob_index: int, blob_hash: bytes, element: int) -> OpeningPart:
        def make() -> bytes:
            found: Opening = self._workers().submit(open_blob, self._archive, blob_hash, element).result()
            return found.y + found.kzg_commitment + found.proof

        content = self._kept.get_or_make(f"opening-{blob_hash.hex()}-{element}", make)
        return OpeningPart(
            blob_index=blob_index,
            element=element,
            value=content[:32],
            kzg_commitment=content[32:80],
            proof=content[80:],
        ).sealed()

    def _workers(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                # Started when first needed: ckzg holds the interpreter, and its set-up takes seconds.
                self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), trusted_setup)
            return self._pool

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
