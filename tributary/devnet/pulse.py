"""Blocks on demand: a devnet's L1 makes one every 12 s, and nobody wants to wait for it."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from ledger.errors import RpcUnavailableError

if TYPE_CHECKING:
    from tributary.devnet.network import Devnet
    from tributary.devnet.node import Node

PERIOD_SECONDS = 0.2


class Pulse:
    """While it beats, a chain that has a transaction waiting gets a block at once."""

    def __init__(self, devnet: Devnet, period_seconds: float = PERIOD_SECONDS) -> None:
        self._nodes = (devnet.l1, devnet.l2)
        self._period_seconds = period_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def _beat(self) -> None:
        while not self._ended.wait(self._period_seconds):
            for node in self._nodes:
                with suppress(RpcUnavailableError):  # the run's own calls report a dead node
                    self._mine_if_waiting(node)

    def _mine_if_waiting(self, node: Node) -> None:
        if int(node.call("txpool_status")["pending"], 16):
            node.mine()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
