"""Blocks by the clock, put on a chain by the same hand as all its other blocks.

anvil can mine by the clock itself, but two blocks are made at once then when somebody else mines. Both take what waits: a
deposit, which has no nonce, is executed in both and its events are lost. And a block that is made while the chain goes back
leaves a hole in it. A `Node` does one thing at a time; so a chain with one `Node` that mines has neither.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ledger.errors import RpcUnavailableError

if TYPE_CHECKING:
    from tributary.devnet.node import Node


class BlockClock:
    """Mines a block on a node every `seconds` from `start()` until `stop()`; none while `seconds` is 0."""

    def __init__(self, node: Node, seconds: float) -> None:
        self._node = node
        self.seconds = seconds
        self._changed = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="block-clock", daemon=True)

    def start(self) -> None:
        """From now on this object alone mines by the clock, no more anvil."""
        self._node.call("evm_setIntervalMining", 0)
        self._thread.start()

    def set(self, seconds: float) -> None:
        """The time between two blocks from now on; with 0 there are none but those that somebody asks for."""
        self.seconds = seconds
        self._changed.set()

    def stop(self) -> None:
        """No block comes after it; harmless if it never started."""
        self._ended = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            seconds = self.seconds
            if not self._changed.wait(seconds or None):
                with suppress(RpcUnavailableError):  # whoever uses the node hears of it
                    self._node.mine()
            self._changed.clear()
