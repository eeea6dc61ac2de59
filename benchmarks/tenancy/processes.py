"""Engines in processes of their own, driven from here: one over many adapters, or one for each model."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from benchmarks.tenancy.traffic import Ask, popularity
from ledger.config import CHECKOUT

AT_ONCE = 32
"""Answers under way in all processes together."""


@dataclass
class Process:
    """A worker that runs. `base_bytes` is what its base's weights take."""

    popen: subprocess.Popen[str]
    base_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.base_bytes = int(self.heard()["base"])

    def told(self, do: str, **words: Any) -> Self:
        """Sends a command, without waiting for what comes of it."""
        print(json.dumps({"do": do, **words}), file=self.popen.stdin, flush=True)
        return self

    def heard(self) -> dict[str, Any]:
        """The answer to the command that was sent last."""
        line = self.popen.stdout.readline() if self.popen.stdout else ""
        if not line:
            raise ChildProcessError(f"an engine's process ended with code {self.popen.wait()}")
        return dict(json.loads(line))

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Does it, and gives what comes of it."""
        return self.told(do, **words).heard()


@contextmanager
def running(base: Path, adapters: Path | None = None, memory_bytes: int = 0) -> Iterator[Process]:
    """An engine over this base; over these adapters too, if they are given."""
    words = [str(base), *([str(adapters), str(memory_bytes)] if adapters else [])]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tenancy.worker", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    ) as popen:  # fmt: skip
        try:
            yield Process(popen)
        finally:
            if popen.stdin:
                popen.stdin.close()


@dataclass(frozen=True, slots=True)
class Separate:
    """One process for each model: sums over all of them.

    Attributes:
        cpu: seconds.
        tokens: of answers.
        pss: resident bytes, what several share counted once.
        uss: bytes that a process has for itself, the mean.
    """

    cpu: float
    tokens: int
    pss: float
    uss: float


def one_process_each(models: Sequence[Path], asks: Sequence[Ask]) -> Separate:
    """The same requests, each to the process of its own model; all processes at once.

    Each has as many answers under way as is its share of AT_ONCE, at least one.
    """
    at_once = [max(1, round(AT_ONCE * share)) for share in popularity(len(models))]
    with ExitStack() as stack:
        processes = [stack.enter_context(running(model)) for model in models]
        own = [[asdict(ask) for ask in asks if ask.adapter == rank] for rank in range(len(models))]
        for rank, process in enumerate(processes):  # what is first used is made ready first
            process.ask("saturate", asks=own[rank][:4], at_once=at_once[rank])
        for rank, process in enumerate(processes):
            process.told("saturate", asks=own[rank], at_once=at_once[rank])
        done = [process.heard() for process in processes]
        memory = [process.ask("memory") for process in processes]
    return Separate(
        cpu=sum(one["cpu"] for one in done),
        tokens=sum(one["tokens"] for one in done),
        pss=sum(one["pss"] for one in memory),
        uss=sum(one["uss"] for one in memory) / len(memory),
    )


def rates_by_batch(model: Path, asks: Sequence[Ask], batches: Sequence[int]) -> dict[int, float]:
    """Answer tokens a CPU-second of a model of its own, by the number of answers under way."""
    own = [asdict(ask) for ask in asks]
    with running(model) as process:
        process.ask("saturate", asks=own[:4], at_once=4)
        done = {batch: process.ask("saturate", asks=own, at_once=batch) for batch in batches}
    return {batch: one["tokens"] / one["cpu"] for batch, one in done.items()}
