"""Which fault befalls whom, and when: every part is killed once and hung once, in an order that the seed draws."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.e2e.chaos.programs import Victim

SHORTEST_SECONDS, LONGEST_SECONDS = 0.3, 3.0


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` is kill or hang; what was killed starts again after `lasts` seconds, what hangs goes on."""

    at: float
    victim: int
    kind: str
    lasts: float


def draw(seed: int, victims: int, seconds: float) -> list[Fault]:
    """Faults over so many seconds, in order of time; two of one victim never overlap."""
    drawing = random.Random(seed)
    faults = []
    for victim in range(victims):
        halves = [0.0, seconds / 2]
        drawing.shuffle(halves)
        for kind, start in zip(("kill", "hang"), halves, strict=True):
            lasts = drawing.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
            faults.append(Fault(start + drawing.uniform(0, seconds / 2 - lasts), victim, kind, lasts))
    return sorted(faults, key=lambda fault: fault.at)


def befall(faults: Sequence[Fault], victims: Sequence[Victim]) -> None:
    """Lets the plan happen, each victim in a thread of its own; returns when all is well again."""
    began = time.monotonic()

    def suffer(number: int) -> None:
        victim = victims[number]
        for fault in (one for one in faults if one.victim == number):
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            if fault.kind == "kill":
                victim.kill()
            else:
                victim.hang()
            time.sleep(fault.lasts)
            if fault.kind == "kill":
                victim.start()
            else:
                victim.resume()

    with ThreadPoolExecutor(len(victims)) as threads:
        list(threads.map(suffer, range(len(victims))))
