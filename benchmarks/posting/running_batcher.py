"""`tributary batch` as a process over a full outbox, timed by what it wrote; a gateway's inserts beside it."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg
from psycopg.types.json import Jsonb

from benchmarks.posting.full_outbox import COLUMNS
from benchmarks.posting.processor_time import chains_seconds, postgres_seconds
from ledger.chain.transaction import parse_signed
from ledger.config import CHECKOUT
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES, used_fes
from tests.factories.outbox import mining

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.onchain.world import World
    from benchmarks.posting.full_outbox import FullOutbox

WORKERS = 2
OPEN_JOBS = 5
DATA = "data"
"""PostgreSQL's, below the benchmark's folder."""
PATIENCE_SECONDS = 300
INSERT_EVERY_SECONDS = 0.02
INSERTS_A_LOOK = 10
IDLE_INSERTS = 50
OTHER_LANE = 9
T = TypeVar("T")
_INSERT = f"INSERT INTO issued_receipts ({COLUMNS}) VALUES ({', '.join(['%s'] * len(COLUMNS.split(',')))})"
_JOBS = """
SELECT count, payer_count, set_fe_count, blob_count, sidecar_version, raw, extract(epoch FROM created_at),
       extract(epoch FROM changed_at)
FROM batch_jobs JOIN batch_transactions t USING (job_id)
WHERE state = 'committed' AND t.purpose = 'commit' AND t.outcome = 'mined' AND first_seq >= %s ORDER BY first_seq
"""


@dataclass(frozen=True)
class Run:
    """What the batches of a run took."""

    batches: int
    receipts: int
    seconds: float
    """From the first selection to the last commit."""
    sustained_rate: float
    """Receipts a second from the first commit to the last one before the last selection."""
    sustained_batches: int
    cpu_seconds: dict[str, float]
    """By program; the batcher's with its workers, their start included."""
    blob_bytes: int
    payload_bytes: int
    commit_bytes: int
    insert_ms: float
    idle_insert_ms: float
    inserts: int
    workers: int
    sidecar: str


def batched(stage: World, outbox: FullOutbox, folder: Path, block_seconds: float) -> Run:
    """Batches what waits, all of it in full batches, and measures."""
    with psycopg.connect(outbox.url) as connection:
        row = connection.execute("SELECT coalesce(max(first_seq + count), 0) FROM batch_jobs").fetchone()
    first = 0 if row is None else int(row[0])
    with Gateway(outbox) as gateway:
        idle, before = gateway.inserts(IDLE_INSERTS), processor_seconds(folder)
        with mining(stage.flow.devnet, block_seconds), started(stage, outbox, folder) as process:
            busy, jobs = gateway.until(lambda: committed(outbox, first, outbox.issued), process)
    after = processor_seconds(folder)
    return summary(jobs, busy, idle, {name: after[name] - before[name] for name in after})


def processor_seconds(folder: Path) -> dict[str, float]:
    """Processor time so far, by program; of batchers that have ended, with their workers."""
    times = os.times()
    batchers = times.children_user + times.children_system
    return {"batcher": batchers, "PostgreSQL": postgres_seconds(folder / DATA), "chains": chains_seconds()}


def summary(jobs: list[Any], busy: list[float], idle: list[float], cpu_seconds: dict[str, float]) -> Run:
    receipts = sum(job[0] for job in jobs)
    ends = sorted(float(job[7]) for job in jobs)
    begun = min(float(job[6]) for job in jobs)
    last_begun = max(float(job[6]) for job in jobs)
    full = [job for job in jobs if ends[0] < float(job[7]) <= last_begun]
    window = max((float(job[7]) for job in full), default=ends[0]) - ends[0]
    return Run(
        batches=len(jobs),
        receipts=receipts,
        seconds=ends[-1] - begun,
        sustained_rate=sum(job[0] for job in full) / window if full else 0.0,
        sustained_batches=len(full),
        cpu_seconds=cpu_seconds,
        blob_bytes=sum(job[3] for job in jobs) * BLOB_BYTES,
        payload_bytes=sum(used_fes(*job[:3]) for job in jobs) * FE_BYTES,
        commit_bytes=sum(len(parse_signed(bytes(job[5])).transaction.call.data) for job in jobs),
        insert_ms=p99(busy),
        idle_insert_ms=p99(idle),
        inserts=len(busy),
        workers=WORKERS,
        sidecar=str(jobs[0][4]),
    )


def p99(seconds: list[float]) -> float:
    """The 99th percentile in milliseconds."""
    return 1000 * statistics.quantiles(seconds, n=100)[98]


def committed(outbox: FullOutbox, first: int, last: int) -> list[Any] | None:
    """The committed jobs of these receipts, once there are all."""
    with psycopg.connect(outbox.url) as connection:
        jobs = connection.execute(_JOBS, [first]).fetchall()
    return jobs if sum(job[0] for job in jobs) == last - first else None


@contextmanager
def started(stage: World, outbox: FullOutbox, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program as an operator runs it, ended as an operator ends it."""
    devnet = stage.flow.devnet
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "DATABASE_URL": outbox.url,
        "L1_RPC_URL": devnet.l1_url,
        "L2_RPC_URL": devnet.l2_url,
        "DEPLOYMENTS_DIR": str(folder),
        "BATCHER_OPERATOR_KEY": "0x" + devnet.accounts[0].private_key.hex(),
        "BATCHER_POLL_SECONDS": "0.1",
        "BATCHER_WORKERS": str(WORKERS),
        "BATCHER_MAX_OPEN_JOBS": str(OPEN_JOBS),
        "BATCHER_MAX_AGE_SECONDS": "1",
    }
    log = (folder / "batcher.log").open("ab")
    command = [sys.executable, "-m", "tributary", "batch"]
    with log, subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=log, stderr=log) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


class Gateway:
    """Inserts a receipt at a time, durably, as a gateway does, into a lane that is none of the batcher's deployment."""

    def __init__(self, outbox: FullOutbox) -> None:
        self._connection = psycopg.connect(outbox.url, autocommit=True)
        self._connection.execute(
            "INSERT INTO lanes SELECT operator, %s, 1, ledger_address, 0, 0, 1, 'other', 'other' FROM lanes WHERE lane = 0"
            " ON CONFLICT DO NOTHING",
            [OTHER_LANE],
        )
        row = self._connection.execute(f"SELECT {COLUMNS} FROM issued_receipts WHERE (lane, seq) = (0, 0)").fetchone()
        assert row is not None
        self._row = [Jsonb(value) if isinstance(value, list) else value for value in row]
        held = self._connection.execute("SELECT count(*) FROM issued_receipts WHERE lane = %s", [OTHER_LANE]).fetchone()
        self._next_seq = 0 if held is None else int(held[0])

    def inserts(self, count: int) -> list[float]:
        """Seconds that each of so many inserts took."""
        return [self._insert() for _ in range(count)]

    def until(self, found: Callable[[], T | None], process: subprocess.Popen[bytes]) -> tuple[list[float], T]:
        """Inserts until there is something to be found; their seconds, and that."""
        seconds, deadline = [], time.monotonic() + PATIENCE_SECONDS
        while True:
            seconds += self.inserts(INSERTS_A_LOOK)
            result = found()
            if result is not None:
                return seconds, result
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("The batcher did not come to an end; see batcher.log in the benchmark's folder.")

    def _insert(self) -> float:
        time.sleep(INSERT_EVERY_SECONDS)
        row = list(self._row)
        row[1:4] = OTHER_LANE, self._next_seq, f"other-{self._next_seq}"
        self._next_seq += 1
        began = time.perf_counter()
        self._connection.execute(_INSERT, row)
        return time.perf_counter() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
