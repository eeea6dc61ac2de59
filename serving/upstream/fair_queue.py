"""Who is next: start-time fair queuing over payers, and a bound that leaves each its share."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(slots=True, order=True)
class Place(Generic[Item]):
    """Where an item stands."""

    start: float
    number: int
    payer: bytes = field(compare=False)
    units: int = field(compare=False)
    item: Item = field(compare=False)
    waits: bool = field(default=True, compare=False)


class FairQueue(Generic[Item]):
    """Items by payer and work. Each payer's next comes as if all payers' work were done side by side."""

    def __init__(self) -> None:
        self._heap: list[Place[Item]] = []
        self._waiting = 0
        self._finish: dict[bytes, float] = {}
        self._now = 0.0
        self._numbers = count()
        self._units_of: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return self._waiting

    @property
    def units(self) -> int:
        """Work that waits."""
        return self._units_of.total()

    def fits(self, payer: bytes, units: int, most_units: float) -> bool:
        """Whether there is room for it: all of the bound together, or this payer within an equal share of it; one waits always."""
        if not self._waiting or self.units + units <= most_units:
            return True
        payers = len(self._units_of) + (payer not in self._units_of)
        return payers > 1 and self._units_of[payer] + units <= most_units / payers

    def put(self, payer: bytes, units: int, item: Item) -> Place[Item]:
        """Its place, to leave by."""
        start = max(self._now, self._finish.get(payer, 0.0))
        self._finish[payer] = start + units
        place = Place(start, next(self._numbers), payer, units, item)
        self._units_of[payer] += units
        self._waiting += 1
        heapq.heappush(self._heap, place)
        return place

    def take(self, wanted: Callable[[Item], bool] = lambda _: True) -> Item | None:
        """The first item that is wanted, out of the queue; None if none is."""
        passed_over = []
        found = None
        while self._heap and found is None:
            place = heapq.heappop(self._heap)
            if place.waits and wanted(place.item):
                found = place
            elif place.waits:
                passed_over.append(place)
        for place in passed_over:
            heapq.heappush(self._heap, place)
        if found is None:
            return None
        self._now = max(self._now, found.start)
        self.leave(found)
        return found.item

    def leave(self, place: Place[Item]) -> None:
        """Takes one out that gave up, which moves nobody else on; nothing if it is out."""
        if not place.waits:
            return
        place.waits = False
        self._waiting -= 1
        self._units_of[place.payer] -= place.units
        if not self._units_of[place.payer]:
            del self._units_of[place.payer]
        if not self._waiting:
            self._finish.clear()
            self._heap.clear()
            self._now = 0.0
