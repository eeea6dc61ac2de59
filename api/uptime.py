"""How much of the time an operator kept posting, as far as the chain can tell."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from ledger.protocol.units import POST_DEADLINE_SECONDS, PPM

if TYPE_CHECKING:
    from collections.abc import Sequence


class Span(NamedTuple):
    """A window of time and how much of it was covered."""

    since: int
    until: int
    up_seconds: int
    longest_pause_seconds: int
    """Between two commits, or since the last; pauses that reach into the window count whole."""

    @property
    def ppm(self) -> int:
        """Covered millionths, rounded down; all of a window without length."""
        return PPM if self.until <= self.since else self.up_seconds * PPM // (self.until - self.since)


def uptime(times: Sequence[int], since: int, until: int) -> Span:
    """Coverage of [since, until): a moment is covered if a batch was committed within POST_DEADLINE before it.

    Receipts have to be committed within that time, so an operator that serves can't pause longer. Nothing finer can be
    told from a chain: an operator that nobody asked looks like one that was down, and one that refused half of its
    requests like one that answered them all.

    Args:
        times: seconds of the operator's commits, rising; earlier ones than `since - POST_DEADLINE` change nothing.
        since: where the window begins.
        until: where it ends, now.
    """
    up, longest = 0, 0
    for commit, following in pairwise([*times, until]):
        covered_until = min(following, commit + POST_DEADLINE_SECONDS)
        up += max(0, covered_until - max(commit, since))
        if following > since:
            longest = max(longest, following - commit)
    return Span(since, until, up, longest)
