"""Blobs checked in other processes: the same answers, also after one of these was killed."""

import os
import signal
import time

import pytest

from indexer.verification.commitments import CommitmentPool
from ledger.errors import BlobNotAvailableError
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash
from ledger.protocol.blob.layout import BLOB_BYTES

pytestmark = pytest.mark.unit

BLOB = bytes(31) + b"\x05" + bytes(BLOB_BYTES - 32)


def in_workers(pool: CommitmentPool, blobs: list[tuple[bytes, bytes]]) -> list[bytes | None]:
    """An answer that the pool's own processes gave."""
    deadline = time.monotonic() + 60
    while pool._first is None or not pool._first.done():
        pool.check(blobs)
        assert time.monotonic() < deadline
    return pool.check(blobs)


def test_workers_answer_as_the_callers_process_does_and_are_replaced_when_killed():
    commitment = kzg_commitment(BLOB)
    good, bad = versioned_hash(commitment), b"\x01" + bytes(31)
    asked = [(good, BLOB), (bad, BLOB), (good, b"\xff" * BLOB_BYTES), (good, b"")]
    expected = [commitment, None, None, None]
    with CommitmentPool(0) as none, CommitmentPool(1, few_blobs=0) as pool:
        assert none.check(asked) == expected
        assert in_workers(pool, asked) == expected
        assert pool._pool is not None
        for pid in list(pool._pool._processes):
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(BlobNotAvailableError):
            pool.check(asked)
        assert in_workers(pool, asked) == expected
