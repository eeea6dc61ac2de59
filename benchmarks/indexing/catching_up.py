"""`tributary index --once` as a process of its own, on chains made in memory: how long it takes and how much it holds."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.indexing.made_batches import FULL_BATCH
from benchmarks.indexing.made_chains import L1, L2
from benchmarks.measuring.progress import progress
from ledger.config import CHECKOUT
from ledger.db.session import connect
from tributary.database import migrate
from tributary.postgres import PostgresServer

SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class CaughtUp:
    """One run: receipts written, seconds from the start of the process to its end, and its largest resident memory.

    The memory is that of the indexer and the processes that it started, without PostgreSQL and the chains.
    """

    receipts: int
    seconds: float
    peak_bytes: int

    @property
    def rate(self) -> float:
        return self.receipts / self.seconds


def catch_up(receipts: int) -> CaughtUp:
    """Index a chain of at least that many receipts into an empty database."""
    progress(f"catching up with made chains of {receipts:,} receipts")
    batches = -(-receipts // FULL_BATCH)
    with tempfile.TemporaryDirectory(prefix="tributary-bench-") as name, PostgresServer(Path(name) / "data") as server:
        folder = Path(name)
        url = server.create_database("catching_up")
        migrate(url)
        with made_chains(batches, folder / "deployments") as address:
            environment = {
                **os.environ, "L1_RPC_URL": f"{address}/{L1}", "L2_RPC_URL": f"{address}/{L2}", "BEACON_URL": address,
                "DEPLOYMENTS_DIR": str(folder / "deployments"), "ARCHIVE_DIR": str(folder / "archive"),
                "DATABASE_URL": url, "LOG_LEVEL": "warning",
            }  # fmt: skip
            seconds, peak = _watched(environment)
        with connect(url, application_name="benchmark") as connection:
            written = connection.execute("SELECT count(*) FROM receipts").fetchone()
    if written != (batches * FULL_BATCH,):
        raise AssertionError(f"{written} receipts of {batches} batches were written")
    return CaughtUp(batches * FULL_BATCH, seconds, peak)


@contextmanager
def made_chains(batches: int, folder: Path) -> Iterator[str]:
    """The chains' address; their deployment file is in `folder`."""
    words = [sys.executable, "-m", "benchmarks.indexing.made_chains", str(batches), str(folder)]
    with subprocess.Popen(words, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        address = process.stdout.readline().split()[0]
        try:
            yield address
        finally:
            process.stdin.close()


def _watched(environment: dict[str, str]) -> tuple[float, int]:
    """(seconds, peak bytes) of one run of the indexer."""
    began, peak = time.perf_counter(), 0
    words = [sys.executable, "-m", "tributary", "index", "--once"]
    with subprocess.Popen(words, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL) as process:
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(watched))
            time.sleep(SAMPLE_SECONDS)
        seconds = time.perf_counter() - began
    if process.returncode != 0:
        raise AssertionError(f"the indexer ended with {process.returncode}")
    return seconds, peak


def _resident(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.Error:
        return 0
    return total
