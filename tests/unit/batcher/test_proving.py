"""Worker processes: what they prove, and that a dead one is replaced."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from batcher.proving import ProvingPool, prove
from ledger.chain.blob_tx import SidecarVersion
from ledger.protocol.blob import kzg
from ledger.protocol.blob.layout import BLOB_BYTES

pytestmark = pytest.mark.unit

BLOB = b"\0" + b"\x05" * 31 + bytes(BLOB_BYTES - 32)


@pytest.fixture
def pool() -> Iterator[ProvingPool]:
    pool = ProvingPool(1)
    yield pool
    pool.close()


def test_proofs_are_those_of_the_sidecar_that_was_asked_for() -> None:
    proved = prove(BLOB, SidecarVersion.BLOB_PROOFS)
    assert kzg.verify_blobs([BLOB], [proved.kzg_commitment], [proved.proofs])
    cells = prove(BLOB, SidecarVersion.CELL_PROOFS)
    assert cells.kzg_commitment == proved.kzg_commitment
    assert len(cells.proofs) == 128 * 48
    assert cells.versioned_hash == kzg.versioned_hash(proved.kzg_commitment)


def test_a_worker_that_was_killed_is_replaced(pool: ProvingPool) -> None:
    (before,) = pool.submit([BLOB], SidecarVersion.BLOB_PROOFS)
    assert before.result(60).blob == BLOB
    assert pool._pool is not None
    for pid in pool._pool._processes:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while not pool._pool._broken and time.monotonic() < deadline:
        time.sleep(0.01)
    (after,) = pool.submit([BLOB], SidecarVersion.BLOB_PROOFS)
    assert after.result(60) == before.result()
