"""How many blocks to ask for at once: grows while answers are small, shrinks when a node objects."""

from __future__ import annotations

from dataclasses import dataclass

TARGET_LOGS = 20_000
"""Logs in one answer that are worth a transaction of their own and still small in memory."""

TARGET_BYTES = 8 * 2**20
"""Topics and data of the logs in one answer; a node's JSON is about three times as long."""

LARGEST_RANGE_BLOCKS = 50_000

ANSWERS_BEFORE_A_PROBE = 100
"""Answers at a node's limit before a longer range is tried again: limits are often of results, not of blocks."""


@dataclass(slots=True)
class RangeSize:
    """Blocks to ask for next."""

    blocks: int = 200
    ceiling: int = LARGEST_RANGE_BLOCKS
    _longest_answered: int = 0
    _at_ceiling: int = 0

    def answered(self, blocks: int, logs: int, size_bytes: int) -> None:
        """A range of `blocks` brought this much: aim at the nearer target, at most four times as far as before."""
        self._longest_answered = max(self._longest_answered, blocks)
        self._probe(blocks)
        filled = max(logs / TARGET_LOGS, size_bytes / TARGET_BYTES)
        if filled > 1:
            self.blocks = max(1, int(blocks / filled))
        elif blocks >= self.blocks:
            self.blocks = max(1, min(int(blocks / max(filled, 0.25)), self.ceiling))

    def refused(self, blocks: int) -> None:
        """A node would not answer a range of `blocks`: ask for half, and approach its limit from below."""
        if self._longest_answered >= blocks:
            self._longest_answered = 0
        self.blocks = max(1, blocks // 2)
        self.ceiling = max(1, (self._longest_answered + blocks) // 2, self.blocks)
        self._at_ceiling = 0

    def _probe(self, blocks: int) -> None:
        self._at_ceiling = self._at_ceiling + 1 if blocks >= self.ceiling else 0
        if self._at_ceiling >= ANSWERS_BEFORE_A_PROBE:
            self.ceiling = min(2 * self.ceiling, LARGEST_RANGE_BLOCKS)
            self._at_ceiling = 0


@dataclass(slots=True)
class LinkedSize:
    """Blocks of a linked run to ask for next.

    Each block is a call of its own, and one bad answer spoils the run: where a node fails now and then, a shorter run
    gets through where a long one hardly ever would.
    """

    longest: int
    blocks: int = 0

    def __post_init__(self) -> None:
        self.blocks = self.longest

    def answered(self) -> None:
        """A run came whole: ask for twice as many."""
        self.blocks = min(2 * self.blocks, self.longest)

    def failed(self, blocks: int) -> None:
        """A run of so many did not come, or did not hang together: ask for half."""
        self.blocks = max(1, blocks // 2)
