"""The second that receipts start at."""

from __future__ import annotations

import time
from collections.abc import Callable

from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS


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
        if self._follow_chain:
            # A block is always a little old: only a leap counts.
            self._offset_seconds = self.drift_seconds if abs(self.drift_seconds) > CLOCK_TOLERANCE_SECONDS else 0.0

    @property
    def is_right(self) -> bool:
        """Whether receipts would be accepted by clients whose clock is the chain's."""
        return self._follow_chain or abs(self.drift_seconds) <= CLOCK_TOLERANCE_SECONDS
