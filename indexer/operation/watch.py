"""How the indexer's loops fare: their last success, what they wait for, and how far behind a chain the rows are."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.following.follower import Progress
    from indexer.verification.verifier import Round


NEEDED: Final = ("L1", "L2", "blobs")
"""The loops on which rows depend that anybody relies on; gas is for display."""


@dataclass(frozen=True, slots=True)
class LoopState:
    """One loop; `waiting_for` is why its last turn failed, None if it did not.

    Times are seconds of the monotonic clock, never money.
    """

    succeeded_at: float | None = None
    waiting_for: str | None = None
    failures: int = 0
    indexed_block: int | None = None
    chain_block: int | None = None
    logs: int = 0
    batches: int = 0
    receipts: int = 0
    fetching: int = 0

    @property
    def blocks_behind(self) -> int | None:
        """None before the first look at the chain."""
        if self.indexed_block is None or self.chain_block is None:
            return None
        return max(0, self.chain_block - self.indexed_block)


class Watch:
    """The loops' states by name: "L1", "L2", "blobs" and "costs". Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._loops = {name: LoopState() for name in (*NEEDED, "costs")}

    def loops(self) -> dict[str, LoopState]:
        """A snapshot."""
        with self._lock:
            return dict(self._loops)

    def stepped(self, chain: str, progress: Progress) -> None:
        """A follower wrote a run, or found nothing new."""
        with self._lock:
            before = self._loops[chain]
            self._loops[chain] = replace(
                before,
                succeeded_at=self.clock(),
                waiting_for=None,
                indexed_block=progress.tip.number,
                chain_block=progress.head.number,
                logs=before.logs + progress.logs,
            )

    def verified(self, done: Round) -> None:
        """The verifier finished a round."""
        with self._lock:
            before = self._loops["blobs"]
            self._loops["blobs"] = replace(
                before,
                succeeded_at=self.clock(),
                waiting_for=None,
                batches=before.batches + done.batches,
                receipts=before.receipts + done.receipts,
                fetching=done.fetching,
            )

    def costs_read(self) -> None:
        """The reader of costs finished a round."""
        with self._lock:
            self._loops["costs"] = replace(self._loops["costs"], succeeded_at=self.clock(), waiting_for=None)

    def succeeded_since(self, loop: str, begun: float) -> bool:
        """Whether the loop got anything done at or after this time of the clock."""
        with self._lock:
            succeeded_at = self._loops[loop].succeeded_at
        return succeeded_at is not None and succeeded_at >= begun

    def waits(self, loop: str, reason: str) -> None:
        """A loop's turn failed and will be tried again."""
        with self._lock:
            before = self._loops[loop]
            self._loops[loop] = replace(before, waiting_for=reason, failures=before.failures + 1)

    def not_ready(self, most_seconds: float, most_blocks: int) -> list[str]:
        """Why readers should not rely on these rows being current; empty if they may.

        Args:
            most_seconds: how long ago each loop may have succeeded last.
            most_blocks: how far a chain's rows may be behind.
        """
        reasons = []
        loops = self.loops()
        for name in NEEDED:
            loop = loops[name]
            if loop.succeeded_at is None:
                reasons.append(f"{name}: {loop.waiting_for or 'it has not looked yet.'}")
            elif self.clock() - loop.succeeded_at > most_seconds:
                reasons.append(
                    f"{name}: nothing for {self.clock() - loop.succeeded_at:.0f} s. {loop.waiting_for or ''}"
                )
            elif (loop.blocks_behind or 0) > most_blocks:
                reasons.append(f"{name}: {loop.blocks_behind} blocks behind.")
        return [reason.strip() for reason in reasons]
