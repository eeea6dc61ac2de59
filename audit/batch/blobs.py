"""A batch's blobs, from whoever has them, believed only when their hash is the one on L1.

Every source that is given is asked for every blob: an archive whose copy has rotted is a difference even while the
beacon node still has the right one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from typing_extensions import override

from audit.chain.batches import Batch
from audit.difference import Differences
from ledger.chain.beacon import BeaconClient
from ledger.chain.blocks import BlockRef
from ledger.errors import BlobNotAvailableError, KzgError, MalformedAnswerError
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash

BLOB_BYTES: Final = 131_072
ELEMENT_BYTES: Final = 32


class BlobSource(Protocol):
    """Somebody who may have blobs. What it hands out is not to be believed."""

    name: str

    def blob(self, hash_: bytes, posted_in: Sequence[BlockRef]) -> bytes | None:
        """What it says is the blob with this versioned hash, posted in one of these L1 blocks; None if it has none."""


class BeaconSource(BlobSource):
    """A beacon node: it keeps blobs for about 18 days."""

    name = "the beacon node"

    def __init__(self, client: BeaconClient) -> None:
        """Ask this client."""
        self._client = client

    @override
    def blob(self, hash_: bytes, posted_in: Sequence[BlockRef]) -> bytes | None:
        for block in posted_in:
            try:
                return self._client.blob(block, hash_)
            except (BlobNotAvailableError, MalformedAnswerError):
                continue
        return None


class ArchiveSource(BlobSource):
    """A folder of raw blobs, each named by its versioned hash."""

    name = "the archive"

    def __init__(self, folder: Path) -> None:
        """Look in this folder."""
        self._folder = folder

    @override
    def blob(self, hash_: bytes, posted_in: Sequence[BlockRef]) -> bytes | None:
        path = self._folder / hash_.hex()[2:4] / f"{hash_.hex()}.blob"
        return path.read_bytes() if path.is_file() else None


def fetch_blobs(
    batch: Batch, sources: Sequence[BlobSource], posted_in: Sequence[BlockRef], differences: Differences
) -> list[bytes]:
    """The batch's blobs in order. Where every source lies, the first one's bytes, with the difference noted.

    Raises:
        BlobNotAvailableError: no source has one of them at all.
    """
    return [_fetch(batch, index, sources, posted_in, differences) for index in range(len(batch.versioned_hashes))]


def hash_of(blob: bytes) -> bytes:
    """The versioned hash of these bytes, by way of their KZG commitment; empty if they can't be a blob."""
    try:
        return versioned_hash(kzg_commitment(blob))
    except KzgError:
        return b""


def _fetch(
    batch: Batch, index: int, sources: Sequence[BlobSource], posted_in: Sequence[BlockRef], differences: Differences
) -> bytes:
    wanted = batch.versioned_hashes[index]
    offered = [(source.name, blob) for source in sources if (blob := source.blob(wanted, posted_in)) is not None]
    if not offered:
        raise BlobNotAvailableError(
            f"Nobody asked has blob {index} of batch {batch.batch_id} (0x{wanted.hex()}); "
            "give the audit an archive that holds it."
        )
    true = next((blob for _, blob in offered if hash_of(blob) == wanted), None)
    for name, blob in offered:
        if true is None:
            differences.compare(batch.place, f"versioned hash of blob {index} at {name}", wanted, hash_of(blob))
        elif blob != true:
            at = first_difference(true, blob)
            field = f"blob {index} at {name}, element {at // ELEMENT_BYTES}"
            differences.note(batch.place, field, _element(true, at), _element(blob, at))
    return offered[0][1] if true is None else true


def first_difference(a: bytes, b: bytes) -> int:
    """Index of the first byte in which two byte strings differ; the shorter one's length if it is a prefix."""
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _element(blob: bytes, at: int) -> bytes:
    start = at // ELEMENT_BYTES * ELEMENT_BYTES
    return blob[start : start + ELEMENT_BYTES]
