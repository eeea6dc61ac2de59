"""How long a node took lately, and so how long is too long."""

from __future__ import annotations

from collections import deque

_SAMPLES = 256
_ENOUGH = 20
_REFRESH = 16


class Pace:
    """The last answers' seconds to the first token, each with the size of what was asked."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)
        self._added = 0
        self._p99 = 0.0
        self._largest = 1

    def add(self, seconds: float, size: int) -> None:
        """Takes note of one answer."""
        self._samples.append((seconds, size))
        self._added += 1
        if self._added <= _ENOUGH or self._added % _REFRESH == 0:
            ranked = sorted(taken for taken, _ in self._samples)
            self._p99 = ranked[max(0, -(-len(ranked) * 99 // 100) - 1)]
            self._largest = max(1, *(asked for _, asked in self._samples))

    @property
    def p99_seconds(self) -> float | None:
        """The 99th percentile; None while too few answers are known."""
        return self._p99 if len(self._samples) >= _ENOUGH else None

    def limit(self, size: int, factor: float) -> float | None:
        """Seconds after which an answer to a request of this size is too slow; larger than any seen, it may take longer."""
        p99 = self.p99_seconds
        return None if p99 is None else factor * p99 * max(1.0, size / self._largest)

    def forget(self) -> None:
        """Begins anew."""
        self._samples.clear()
        self._added = 0
