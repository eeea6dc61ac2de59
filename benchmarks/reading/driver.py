"""The API as a process, and readers that ask it at a steady rate, whether it keeps up or not."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import httpx

WARM_UP_SECONDS = 0.5
STARTING_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Taken:
    """Milliseconds from when an answer was due to be asked for until it was there."""

    count: int
    p50: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class Served:
    """A running API."""

    url: str

    def time(self, address: str) -> float:
        """Milliseconds of one answer."""
        began = time.perf_counter()
        httpx.get(self.url + address, timeout=120).raise_for_status()
        return (time.perf_counter() - began) * 1_000


@contextmanager
def serving(database_url: str, folder: Path) -> Iterator[Served]:
    """`tributary api` over the database, without its rate limit."""
    environment = os.environ | {
        "DATABASE_URL": database_url, "ARCHIVE_DIR": str(folder / "archive"), "API_KEPT_DIR": str(folder / "kept"),
        "API_PORT": "0", "API_REQUESTS_PER_MINUTE": "0",
    }  # fmt: skip
    log = (folder / "api.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "tributary", "api"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
    )
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        url = next(word for word in words if word.startswith("http")).removesuffix("/v1;")
        _await_health(url)
        yield Served(url)
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _await_health(url: str) -> None:
    until = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            httpx.get(f"{url}/health", timeout=5).raise_for_status()
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def drive(served: Served, addresses: Sequence[str], rate: int, seconds: int) -> Taken:
    """Ask `rate` times a second for so long; each is timed from when it was due, so that waiting counts."""
    return asyncio.run(_drive(served.url, addresses, rate, seconds))


async def _drive(url: str, addresses: Sequence[str], rate: int, seconds: int) -> Taken:
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=64)) as client:
        warm = max(1, int(rate * min(WARM_UP_SECONDS, seconds / 4)))
        asked = list(islice(cycle(addresses), warm + rate * seconds))
        began = time.perf_counter()

        async def ask(n: int, address: str) -> float:
            due = began + n / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            answer = await client.get(address)
            if answer.is_error:
                raise SystemExit(f"{address} was answered {answer.status_code}: {answer.text[:300]}")
            return (time.perf_counter() - due) * 1_000

        taken = sorted((await asyncio.gather(*(ask(n, address) for n, address in enumerate(asked))))[warm:])
    return Taken(len(taken), _share(taken, 0.5), _share(taken, 0.99), taken[-1])


def _share(taken: Sequence[float], share: float) -> float:
    return taken[min(len(taken) - 1, int(len(taken) * share))]
