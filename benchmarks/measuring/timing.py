"""Medians of interleaved runs: what is compared is run turn by turn, so that a slow minute slows all of it."""

import statistics
import time
from collections.abc import Callable, Mapping

Prepared = Callable[[], object]
"""What is timed."""
Setup = Callable[[], Prepared]
"""Makes one round ready, untimed, and returns what is timed."""


def interleaved(rounds: int, contenders: Mapping[str, Setup]) -> dict[str, float]:
    """Median seconds of each contender over `rounds` turns, after one turn that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, setup in contenders.items():
            run = setup()
            began = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(all_) for name, all_ in seconds.items()}


def ready(run: Prepared) -> Setup:
    """A contender that needs nothing made ready between turns."""
    return lambda: run
