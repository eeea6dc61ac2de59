"""A node's circuit breaker.

    closed ──fault at once, or three in a row──► open ──pause over──► half open ──trial passed──► closed
                                                  ▲                      └──trial failed, the pause doubles──┐
                                                  └──────────────────────────────────────────────────────────┘

No client's request is ever a trial: a trial is a request of the gateway's own, for one token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from serving.upstream.errors import AT_ONCE, HARMLESS, Fault

IN_A_ROW = 3
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.25, 10.0


class State(StrEnum):
    """Closed lets requests through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Says whether a node may be asked, and when it is worth a trial."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_a_row = 0
        self._opened_at = 0.0
        self.failed_trials = 0
        self.state = State.CLOSED
        self.reason: Fault | None = None
        """Why it opened."""

    @property
    def pause_seconds(self) -> float:
        """From opening to the next trial."""
        return min(FIRST_PAUSE_SECONDS * 2.0**self.failed_trials, LONGEST_PAUSE_SECONDS)

    @property
    def trial_in_seconds(self) -> float:
        """Until the next trial; 0 if it is due or nothing is wrong."""
        if self.state is not State.OPEN:
            return 0.0
        return max(0.0, self._opened_at + self.pause_seconds - self._clock())

    def succeeded(self) -> None:
        """A request was answered well."""
        self._in_a_row = 0

    def failed(self, fault: Fault) -> bool:
        """Whether this fault opened it."""
        if fault in HARMLESS or self.state is not State.CLOSED:
            return False
        self._in_a_row += 1
        if fault not in AT_ONCE and self._in_a_row < IN_A_ROW:
            return False
        self.state, self.reason, self._opened_at = State.OPEN, fault, self._clock()
        return True

    def begin_trial(self) -> bool:
        """Whether a trial is due; then it is half open until the trial ends."""
        if self.state is not State.OPEN or self.trial_in_seconds > 0:
            return False
        self.state = State.HALF_OPEN
        return True

    def end_trial(self, *, passed: bool) -> None:
        """Closes, or opens again for twice the time."""
        if passed:
            self.state, self.reason, self.failed_trials, self._in_a_row = State.CLOSED, None, 0, 0
        else:
            self.state, self._opened_at = State.OPEN, self._clock()
            self.failed_trials += 1
