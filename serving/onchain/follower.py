"""Follows the L2: the clock with each look, accounts with each safe block, assets and prices now and then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from ledger.chain.blocks import BlockRef, Heads
from ledger.errors import TributaryError, UsageError
from serving.clock import Clock
from serving.onchain.reader import ChainReader

_log = structlog.get_logger(__name__)

Refresh = Callable[[BlockRef], Awaitable[None]]


class ChainFollower:
    """A loop that outlives the node's absences and stops on what time will not heal."""

    def __init__(
        self,
        reader: ChainReader,
        clock: Clock,
        *,
        on_safe: Refresh,
        on_latest: Refresh,
        latest_seconds: float,
    ) -> None:
        """Follows from the first `look` on.

        Args:
            reader: the L2.
            clock: told of each newest block.
            on_safe: called with each new safe block.
            on_latest: called with the newest block, every `latest_seconds`.
            latest_seconds: see there.
        """
        self._reader = reader
        self._clock = clock
        self._on_safe = on_safe
        self._on_latest = on_latest
        self._latest_seconds = latest_seconds
        self._safe: BlockRef | None = None
        self._latest_done_at = float("-inf")
        self._seen_at = float("-inf")
        self.heads: Heads | None = None
        self.failure: TributaryError | None = None

    @property
    def silence_seconds(self) -> float:
        """How long ago the node last answered everything."""
        return time.monotonic() - self._seen_at

    async def look(self) -> None:
        """One look at the chain, and what follows from it."""
        heads = await asyncio.to_thread(self._reader.heads)
        self._clock.observe(heads.latest.timestamp)
        if time.monotonic() - self._latest_done_at > self._latest_seconds:
            await self._on_latest(heads.latest)
            self._latest_done_at = time.monotonic()
        if self._safe is None or heads.safe.hash != self._safe.hash:
            await self._on_safe(heads.safe)
            self._safe = heads.safe
        self.heads = heads
        self._seen_at = time.monotonic()

    async def follow(self, pause_seconds: float) -> None:
        """Looks again and again, until cancelled or until `failure` says why not."""
        while True:
            await asyncio.sleep(pause_seconds)
            try:
                await self.look()
            except UsageError as error:  # another chain, a restored database: no later look makes it right
                _log.error("chain_follower_stopped", error=str(error))
                self.failure = error
                return
            except TributaryError as error:
                _log.warning("chain_look_failed", error=str(error))
