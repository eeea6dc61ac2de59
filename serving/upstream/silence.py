"""How long a node says nothing: one timer for a whole answer, whatever the number of its tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_DOUBT_SECONDS: Final = 0.02
"""After a silence that is too long what arrived meanwhile is read: perhaps it was this process that was held up."""


class Silence:
    """Calls once nothing was heard for too long while somebody waited for it."""

    def __init__(self, seconds: float, is_wanted: Callable[[], bool], too_long: Callable[[], None]) -> None:
        """Take the longest silence, whether it is the node that is waited for, and what is then called."""
        self._seconds = seconds
        self._is_wanted = is_wanted
        self._too_long = too_long
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._doubted = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Silence counts from now on."""
        self.broken()
        self._timer = self._loop.call_later(self._seconds, self._look)

    def broken(self) -> None:
        """Something was heard, or only now somebody listens."""
        self._heard = self._loop.time()
        self._doubted = False

    def end(self) -> None:
        """Silence no longer matters."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        if not self._is_wanted():
            self.broken()
        left = self._heard + self._seconds - self._loop.time()
        if left <= 0:
            if self._doubted:
                self._timer = None
                self._too_long()
                return
            self._doubted = True
        self._timer = self._loop.call_later(max(left, _DOUBT_SECONDS), self._look)
