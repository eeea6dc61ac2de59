"""`tributary batch` as a process: killed and started again, and told in one sentence what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from ledger.chain.events.blob_inbox import BlobsPosted
from ledger.chain.events.receipt_ledger import BatchCommitted
from ledger.config import CHECKOUT
from ledger.protocol.batch import post_hash
from ledger.protocol.signature import address_of
from tests.factories.batcher_world import PAYERS, Batching, events, still
from tests.factories.operator_flow import OperatorFlow
from tests.factories.outbox import Use, mining
from tributary.ports import free_port

pytestmark = pytest.mark.chain

FIRST = address_of(PAYERS[0])
PATIENCE_SECONDS = 120


def environment(batching: Batching) -> dict[str, str]:
    """What an operator would set, and nothing of the machine's own settings."""
    devnet = batching.flow.devnet
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "OMP_NUM_THREADS": "1",
        "DATABASE_URL": batching.database_url,
        "L1_RPC_URL": devnet.l1_url,
        "L2_RPC_URL": devnet.l2_url,
        "DEPLOYMENTS_DIR": str(batching.folder),
        "BATCHER_OPERATOR_KEY": "0x" + devnet.accounts[0].private_key.hex(),
        "BATCHER_POLL_SECONDS": "0.05",
    }


@contextmanager
def started(words: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The program, killed at the end of the block if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "tributary", "batch", *words],
        env=environment,
        cwd=CHECKOUT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()  # SIGKILL: nothing of it gets a chance to tidy up


def run(words: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a run that ends by itself."""
    with started(words, environment) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err.strip()


def wait_for_row(database_url: str, statement: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with psycopg.connect(database_url, autocommit=True) as connection:
        while not connection.execute(statement).fetchall():
            assert time.monotonic() < deadline, "the batcher never came so far"
            time.sleep(0.01)


def test_a_killed_batcher_goes_on_where_it_was(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(1, [Use(FIRST, 0)] * 3, age_seconds=60)
    settings = environment(batching)
    recorded = "SELECT 1 FROM batch_transactions WHERE purpose = '{}'"
    with still(flow.devnet.l1_clock):
        with started(["--max-age", "30"], settings):
            wait_for_row(batching.database_url, recorded.format("post"))
        with started(["--max-age", "30"], settings), mining(flow.devnet):
            wait_for_row(batching.database_url, recorded.format("commit"))
    with mining(flow.devnet):
        code, out, err = run(["--drain", "--json"], settings)
    assert code == 0, err
    spent = json.loads(out)
    assert (spent["batches"], spent["receipts"], spent["blobs"], spent["l1_blob_gas"]) == (1, 3, 1, 2**17)
    assert int(spent["l1_gas_wei"]) > 0
    (committed,) = [event for event in events(flow, BatchCommitted) if event.lane == 1]
    assert [e.post_hash for e in events(flow, BlobsPosted)] == [post_hash(committed.versioned_hashes)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://postgres@127.0.0.1:{port}/none"}, "PostgreSQL does not answer"),
        ({"L2_RPC_URL": "http://127.0.0.1:{port}"}, "No L2 node answers at http://127.0.0.1:{port}"),
        ({"L1_RPC_URL": "{l2}"}, "serves chain 901, but chain 900 is expected"),
    ],
    ids=["no database", "no node", "wrong chain"],
)
def test_what_is_wrong_is_told_in_one_sentence(
    flow: OperatorFlow, batching: Batching, changes: dict[str, str], sentence: str
) -> None:
    words = {"port": str(free_port()), "l1": flow.devnet.l1_url, "l2": flow.devnet.l2_url}
    changed = {name: value.format(**words) for name, value in changes.items()}
    code, out, err = run(["--drain"], {**environment(batching), **changed})
    assert (code, out) == (1, "")
    assert sentence.format(**words) in err
    assert len(err.splitlines()) == 1
