"""The span of UTC days that a statement or an invoice is about."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Self

from ledger.errors import MalformedInputError

LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `since` to `until`, both included."""

    since: dt.date
    until: dt.date

    @classmethod
    def of(cls, since: dt.date | None, until: dt.date | None, today: dt.date) -> Self:
        """The span asked for: to today if no end is given, over the month before its end if no beginning is.

        Raises:
            MalformedInputError: it ends before it begins, or is longer than a year.
        """
        last = until or today
        first = since or max(dt.date.min, last - dt.timedelta(days=min(30, (last - dt.date.min).days)))
        if not first <= last:
            raise MalformedInputError("The span ends before it begins; give `since` and `until` as rising days.")
        if (last - first).days > LONGEST_DAYS:
            raise MalformedInputError(f"A span has at most {LONGEST_DAYS} days; ask for one year at a time.")
        return cls(first, last)

    @property
    def start(self) -> int:
        """Its first second, Unix time."""
        return _midnight(self.since)

    @property
    def end(self) -> int:
        """The first second after it."""
        return _midnight(self.until) + 86_400


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
