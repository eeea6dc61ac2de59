"""Everybody's earnings through a final block, computed once for as long as the same batches count."""

from __future__ import annotations

import threading
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from api.queries import contributors as queries

if TYPE_CHECKING:
    from api.reading import Reading

MOST: Final = 100_000
"""Payees that are kept, about 25 MB; a ledger with more is asked page by page."""

Line = tuple[bytes, int]
"""(payee, numerator over 10^30)"""


@dataclass(frozen=True, slots=True)
class _Kept:
    state: tuple[object, ...]
    by_address: list[Line]
    by_earned: list[Line]


class Earners:
    """The last answer to a question whose answer seldom changes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: _Kept | None = None

    def by_address(self, reading: Reading, through: int, after: bytes, limit: int) -> list[Line]:
        """Payees by rising address after `after`, with what they earned through an L2 block."""
        kept = self._current(reading, through)
        if kept is None:
            return [(bytes(row.payee), int(row.numerator)) for row in queries.payees(reading, through, after, limit)]
        at = bisect_right(kept.by_address, after, key=lambda line: line[0])
        return kept.by_address[at : at + limit]

    def by_earned(self, reading: Reading, through: int, after: tuple[int, bytes] | None, limit: int) -> list[Line]:
        """Payees by falling numerator, then address, after the place (numerator, payee)."""
        kept = self._current(reading, through)
        if kept is None:
            rows = queries.ranked_payees(reading, through, after, limit)
            return [(bytes(row.payee), int(row.numerator)) for row in rows]
        at = 0 if after is None else bisect_right(kept.by_earned, _falling((after[1], after[0])), key=_falling)
        return kept.by_earned[at : at + limit]

    def _current(self, reading: Reading, through: int) -> _Kept | None:
        state = queries.counted_state(reading, through)
        with self._lock:
            if self._kept is not None and self._kept.state == state:
                return self._kept
        rows = queries.payees(reading, through, b"", MOST + 1)
        if len(rows) > MOST:
            return None
        lines = [(bytes(row.payee), int(row.numerator)) for row in rows]
        kept = _Kept(state, lines, sorted(lines, key=_falling))
        with self._lock:
            self._kept = kept
        return kept


def _falling(line: Line) -> tuple[int, int]:
    """Sorts the largest numerator first, the largest address first among equals."""
    return -line[1], -int.from_bytes(line[0], "big")
