"""Values that change at announced times: what is in force at a given second, and until when that is certain."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """A value in force from this second on."""

    effective_at: int
    value: T


@dataclass(frozen=True, slots=True)
class Schedule(Generic[T]):
    """A value now, and its announced changes, in order of time."""

    changes: tuple[Change[T], ...]

    def at(self, time: int) -> T:
        """The value in force at a second; before the first change that is known, the first."""
        return self.changes[max(0, bisect_right(self.changes, time, key=lambda change: change.effective_at) - 1)].value


def read_schedule(read: Callable[[int], Change[T]], now: int, horizon_seconds: int) -> Schedule[T]:
    """Everything in force between `now` and the horizon, found from its end backwards.

    Args:
        read: what is in force at a second, with the second from which it is.
        now: where to begin.
        horizon_seconds: how far announced changes may lie ahead.
    """
    found = [read(now + horizon_seconds)]
    while found[-1].effective_at > now:
        found.append(read(found[-1].effective_at - 1))
    return Schedule(tuple(reversed(found)))
