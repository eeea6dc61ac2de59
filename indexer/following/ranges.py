"""How many blocks to ask for at once: grows while answers are small, shrinks when a node objects."""

from __future__ import annotations

from dataclasses import dataclass

TARGET_LOGS = 20_000
"""Logs in one answer that are worth a transaction of their own and still small in memory."""

LARGEST_RANGE_BLOCKS = 50_000


@dataclass(slots=True)
class RangeSize:
    """Blocks to ask for next."""

    blocks: int = 1_000
    ceiling: int = LARGEST_RANGE_BLOCKS

    def answered(self, blocks: int, logs: int) -> None:
        """A range of `blocks` brought `logs` logs: aim at the target, at most four times as far as before."""
        if blocks < self.blocks:
            return
        fitting = blocks * TARGET_LOGS // max(logs, 1)
        self.blocks = max(1, min(fitting, 4 * blocks, self.ceiling))

    def refused(self, blocks: int) -> None:
        """A node would not answer a range of `blocks`: ask for half, and never for as much again."""
        self.blocks = max(1, blocks // 2)
        self.ceiling = max(1, blocks - 1)
