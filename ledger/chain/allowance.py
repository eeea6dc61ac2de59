"""How many requests may be under way at one endpoint: halved when it asks for fewer, raised again bit by bit.

The rule is TCP's (additive increase, multiplicative decrease), so that several clients of one endpoint share it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Allowance:
    """Slots for requests. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._limit = float(most)  # of requests, never of money; grows by fractions of one
        self._running = 0
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """Requests that may be under way now, at least one."""
        return int(self._limit)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Waits for a slot and holds it while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: self._running < self.limit)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify()

    def answered(self) -> None:
        """A request was answered: one slot more after as many answers as there are slots."""
        with self._changed:
            self._limit = min(self._most, self._limit + 1 / self._limit)
            self._changed.notify()

    def throttled(self) -> None:
        """The endpoint asked for fewer requests."""
        with self._changed:
            self._limit = max(1.0, self._limit / 2)
