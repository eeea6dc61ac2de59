"""Who is next: start-time fair queuing over payers, and a bound that leaves each its share."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(slots=True)
class _Place(Generic[Item]):
    payer: bytes
    units: int
    start: float
    item: Item
    waiting: bool = field(default=True)


class FairQueue(Generic[Item]):
    """Items by payer and work. Each payer's next comes as if all payers' work were done side by side."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Place[Item]]] = []
        self._places: dict[int, _Place[Item]] = {}
        self._finish: dict[bytes, float] = {}
        self._now = 0.0
        self._numbers = count()
        self._units_of: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return len(self._places)

    @property
    def units(self) -> int:
        """Work that waits."""
        return self._units_of.total()

    def fits(self, payer: bytes, units: int, most_units: float) -> bool:
        """Whether there is room for it: all of the bound together, or this payer within an equal share of it."""
        if self.units + units <= most_units:
            return True
        payers = len(self._units_of) + (payer not in self._units_of)
        return payers > 1 and self._units_of[payer] + units <= most_units / payers

    def put(self, payer: bytes, units: int, item: Item) -> int:
        """Its number, to leave by."""
        start = max(self._now, self._finish.get(payer, 0.0))
        self._finish[payer] = start + units
        number = next(self._numbers)
        place = _Place(payer, units, start, item)
        self._places[number] = place
        self._units_of[payer] += units
        heapq.heappush(self._heap, (start, number, place))
        return number

    def in_order(self) -> list[tuple[int, Item]]:
        """Everything that waits, who is next first."""
        self._heap = [entry for entry in self._heap if entry[2].waiting]
        heapq.heapify(self._heap)
        return [(number, place.item) for _, number, place in sorted(self._heap, key=lambda entry: entry[:2])]

    def leave(self, number: int, *, served: bool) -> None:
        """Takes one out; nothing if it is out. One that gave up moves nobody else on."""
        place = self._places.pop(number, None)
        if place is None:
            return
        place.waiting = False
        if served:
            self._now = max(self._now, place.start)
        self._units_of[place.payer] -= place.units
        if not self._units_of[place.payer]:
            del self._units_of[place.payer]
        if not self._places:
            self._finish.clear()
            self._heap.clear()
            self._now = 0.0
