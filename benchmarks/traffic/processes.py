"""Programs beside the benchmark: started, found ready, weighed by the processor's time, ended."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

STARTING_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """A program that answers at an address."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """User and system time so far, of it and all that it started."""
        return cpu_seconds(self.pid)


@dataclass(frozen=True, slots=True)
class Starting:
    """A program that was started and does not answer yet."""

    process: subprocess.Popen[bytes]
    page: str
    log: Path


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all that it started."""
    process = psutil.Process(pid)
    seconds = 0.0
    for one in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            seconds += times.user + times.system
    return seconds


@contextmanager
def running(words: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[Running]:
    """A program whose output names its address, ready to answer, until the block ends."""
    with _started(words, log, environment) as process:
        address = _named(process, log)
        yield ready(Starting(process, address + "/health", log))


@contextmanager
def starting(words: Sequence[str], log: Path, environment: Mapping[str, str], page: str) -> Iterator[Starting]:
    """A program that will answer at `page` some time; it ends with the block."""
    with _started(words, log, environment) as process:
        yield Starting(process, page, log)


@contextmanager
def _started(words: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(words), stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment}
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def ready(program: Starting) -> Running:
    """The program once its page answers."""
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until and program.process.poll() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(program.page, timeout=2.0, trust_env=False).is_success:
                place = urlsplit(program.page)
                return Running(f"{place.scheme}://{place.netloc}", program.process.pid)
        time.sleep(0.1)
    raise SystemExit(f"Nothing answers at {program.page}: {last_line(program.log)}")


def _named(process: subprocess.Popen[bytes], log: Path) -> str:
    """The first address after the word Serving that the program prints."""
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until:
        words = log.read_text(errors="replace").split()
        for before, word in pairwise(words):
            if before == "Serving":
                return word.rstrip(".").removesuffix("/v1")
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"A program did not start: {last_line(log)}")


def last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"see {log}"
