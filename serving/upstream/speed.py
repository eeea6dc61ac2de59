"""How much work an answer is, and how many tokens of it all nodes do in a second."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

_WINDOW_SECONDS = 30.0
_FIRST_GUESS = 256
_NEWEST = 0.05


class Speed:
    """Work done over the last half minute, and what an answer of late came to."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._done: deque[tuple[float, int]] = deque()
        self._units = 0
        self._answer = float(_FIRST_GUESS)

    def add(self, units: int, answer_units: int = 0) -> None:
        """Takes note of work that is done, and of how much of it was the answer."""
        if answer_units:
            self._answer += (answer_units - self._answer) * _NEWEST
        self._done.append((self._clock(), units))
        self._units += units

    def answer_units(self, most: int) -> int:
        """Tokens that an answer of at most so many may well come to: few use up a generous limit."""
        return min(most, max(1, int(2 * self._answer)))

    @property
    def units_per_second(self) -> float:
        """0 while nothing is known."""
        now = self._clock()
        while self._done and self._done[0][0] < now - _WINDOW_SECONDS:
            self._units -= self._done.popleft()[1]
        if not self._done:
            return 0.0
        return self._units / max(now - self._done[0][0], 1.0)

    def seconds_for(self, units: int) -> float | None:
        """How long so much work takes; None while nothing is known."""
        speed = self.units_per_second
        return units / speed if speed > 0 else None
