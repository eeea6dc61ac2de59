"""Which of several endpoints lag behind the others: they are asked only when no other answers.

A node that lags is no danger to a reader that goes by hashes, it only brings nothing new. An endpoint that claims a head
far ahead makes the others look as if they lagged; its own blocks are checked like anybody's, and once it fails to show
them it rests and the others are asked.
"""

import time
from collections.abc import Callable

import structlog

from ledger.chain.quantities import quantity
from ledger.chain.rpc import RpcClient
from ledger.errors import RetryableError

MOST_BLOCKS_BEHIND = 10
SECONDS_BETWEEN_LOOKS = 15.0
PATIENCE_SECONDS = 3.0

_log = structlog.get_logger()


class LagWatch:
    """Compares the heads of a client's endpoints now and then."""

    def __init__(
        self,
        rpc: RpcClient,
        *,
        most_blocks: int = MOST_BLOCKS_BEHIND,
        every_seconds: float = SECONDS_BETWEEN_LOOKS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rpc = rpc
        self._most_blocks = most_blocks
        self._every_seconds = every_seconds
        self._clock = clock
        self._next_look = clock()

    def look(self) -> None:
        """Ask every endpoint for its head, if there are several and it is time; one that fails keeps its standing."""
        if len(self._rpc.endpoints) < 2 or self._clock() < self._next_look:
            return
        self._next_look = self._clock() + self._every_seconds
        heads: dict[int, int] = {}
        for i, endpoint in enumerate(self._rpc.endpoints):
            try:
                heads[i] = quantity(self._rpc.ask_one(endpoint, "eth_blockNumber", timeout_seconds=PATIENCE_SECONDS))
            except RetryableError as error:
                _log.info("endpoint_silent", endpoint=endpoint.name, reason=str(error))
        for i, head in heads.items():
            endpoint, behind = self._rpc.endpoints[i], max(heads.values()) - head
            lags = behind > self._most_blocks
            if lags != endpoint.lags:
                _log.warning("endpoint_lags" if lags else "endpoint_caught_up", endpoint=endpoint.name, blocks=behind)
            endpoint.lags = lags
