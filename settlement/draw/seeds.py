"""The number that names the drawn receipts: prevrandao of the first L1 block that is a minute younger than the commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ledger.chain.blocks import block_at
from ledger.chain.quantities import to_quantity
from ledger.errors import MalformedAnswerError, MalformedInputError
from ledger.protocol.draw import DRAW_DELAY_SECONDS
from ledger.protocol.hexadecimal import from_hex

if TYPE_CHECKING:
    from ledger.chain.rpc import RpcClient


@dataclass(frozen=True, slots=True)
class Seed:
    """A finalised L1 block and its prevrandao."""

    block: int
    timestamp: int
    prevrandao: bytes


class Seeds(Protocol):
    """Whoever knows L1's blocks."""

    def now(self) -> int:
        """Unix time of L1's finalised block."""

    def after(self, committed_at: int) -> Seed | None:
        """The seed of batches committed in that second; None while its block is not final."""


class L1Seeds:
    """Seeds as an attester's own L1 node has them."""

    def __init__(self, rpc: RpcClient, first_block: int) -> None:
        """Take the node, and a block that is older than every commit."""
        self._rpc = rpc
        self._first_block = first_block
        self._known: dict[int, Seed] = {}

    def now(self) -> int:
        """Unix time of L1's finalised block."""
        return block_at(self._rpc, "finalized").timestamp

    def after(self, committed_at: int) -> Seed | None:
        """The seed of batches committed in that second; None while its block is not final."""
        if committed_at in self._known:
            return self._known[committed_at]
        final, second = block_at(self._rpc, "finalized"), committed_at + DRAW_DELAY_SECONDS
        if final.timestamp < second:
            return None
        low, high = min(self._first_block, final.number), final.number
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if block_at(self._rpc, middle).timestamp >= second else (middle + 1, high)
        self._known[committed_at] = self._seed(low)
        return self._known[committed_at]

    def _seed(self, number: int) -> Seed:
        block: Any = self._rpc.call("eth_getBlockByNumber", to_quantity(number), False)
        try:
            return Seed(number, int(block["timestamp"], 16), from_hex(block["mixHash"], 32))
        except (KeyError, TypeError, ValueError, MalformedInputError) as error:
            raise MalformedAnswerError(f"L1 block {number} has no prevrandao.") from error
