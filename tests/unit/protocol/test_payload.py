"""A batch's blobs as an Alt-DA layer keeps them: shorter, and the same when they come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BlobFormatError
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, MAX_BLOBS
from ledger.protocol.blob.payload import blobs_of, payload_of

pytestmark = pytest.mark.unit


def batch(used: bytes, count: int) -> list[bytes]:
    whole = used.ljust(count * BLOB_BYTES, b"\0")
    return [whole[at : at + BLOB_BYTES] for at in range(0, len(whole), BLOB_BYTES)]


@given(st.integers(1, MAX_BLOBS), st.binary(max_size=400))
def test_blobs_come_back_as_they_were(count: int, used: bytes) -> None:
    blobs = batch(bytes((count - 1) * BLOB_BYTES) + used, count)
    payload = payload_of(blobs)
    assert blobs_of(payload, count) == blobs
    assert len(payload) % FE_BYTES == 0
    assert len(payload) <= -(-len(b"".join(blobs).rstrip(bytes(1))) // FE_BYTES) * FE_BYTES


def test_only_used_elements_are_kept() -> None:
    assert len(payload_of(batch(b"\x01" * 33, 1))) == 2 * FE_BYTES
    assert len(payload_of(batch(b"\x01" * BLOB_BYTES, 1))) == BLOB_BYTES


@given(st.integers(-1, MAX_BLOBS + 1), st.integers(0, 3), st.binary(max_size=100))
def test_any_bytes_are_blobs_or_a_format_error(count: int, more: int, tail: bytes) -> None:
    payload = bytes(more * BLOB_BYTES) + tail
    try:
        blobs = blobs_of(payload, count)
    except BlobFormatError:
        assert not 1 <= count <= MAX_BLOBS or len(payload) > count * BLOB_BYTES
    else:
        assert [len(blob) for blob in blobs] == [BLOB_BYTES] * count
