"""The second that receipts start at."""

from __future__ import annotations

import time
from collections.abc import Callable

from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS

_LEAP_SECONDS = 5.0


class Clock:
    """This machine's time, checked against the L2; or, on a devnet that moves its clock, the L2's."""

    def __init__(self, *, follow_chain: bool, wall: Callable[[], float] = time.time) -> None:
        self._follow_chain = follow_chain
        self._wall = wall
        self._offset_seconds = 0.0
        self.drift_seconds = 0.0
        """How far the newest block seen is ahead of this machine (negative: behind)."""

    def now(self) -> int:
        """Unix seconds."""
        return int(self._wall() + self._offset_seconds)

    def observe(self, head_timestamp: int) -> None:
        """Takes note of the L2's newest block."""
        self.drift_seconds = head_timestamp - self._wall()
        # A block is always a little old, and not always equally: only a leap counts.
        if self._follow_chain and abs(self.drift_seconds - self._offset_seconds) > _LEAP_SECONDS:
            self._offset_seconds = self.drift_seconds

    @property
    def is_right(self) -> bool:
        """Whether receipts would be accepted by clients whose clock is the chain's."""
        return self._follow_chain or abs(self.drift_seconds) <= CLOCK_TOLERANCE_SECONDS
