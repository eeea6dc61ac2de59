"""A batch's blobs as one run of bytes, as an Alt-DA layer keeps them: docs/spec/altda.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import BlobFormatError
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, MAX_BLOBS

if TYPE_CHECKING:
    from collections.abc import Sequence


def payload_of(blobs: Sequence[bytes]) -> bytes:
    """The blobs end to end, without the zero elements at the end: layers charge by the byte."""
    joined = b"".join(blobs)
    used = len(joined.rstrip(b"\0"))
    return joined[: -(-used // FE_BYTES) * FE_BYTES]


def blobs_of(payload: bytes, count: int) -> list[bytes]:
    """The `count` blobs that a payload holds; nothing else is checked.

    Raises:
        BlobFormatError: it is longer than so many blobs, or no batch has so many.
    """
    if not 1 <= count <= MAX_BLOBS:
        raise BlobFormatError(f"A batch has 1 to {MAX_BLOBS} blobs, not {count}.")
    if len(payload) > count * BLOB_BYTES:
        raise BlobFormatError(f"{len(payload)} bytes are more than {count} blobs hold.")
    whole = payload.ljust(count * BLOB_BYTES, b"\0")
    return [whole[at : at + BLOB_BYTES] for at in range(0, len(whole), BLOB_BYTES)]
