"""What a payer asks of the L2 by itself: keys, prices, its account. Blocking; answers are kept for a little while."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.chain.blocks import Heads, heads
from ledger.chain.contracts.operators import Operators
from ledger.chain.contracts.payment_escrow import PaymentEscrow
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.errors import BlockNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.chain.deployment import Deployment
    from ledger.chain.rpc import RpcClient
    from ledger.chain.structs import Account, Price

_HEADS_SECONDS: Final = 5.0
_KEY_SECONDS: Final = 60.0
_PRICE_AHEAD_SECONDS: Final = 120
"""Prices change with a notice of at least ten minutes: what is in force two minutes from now stays certain till then."""
_LEAP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _KnownPrice:
    price: Price
    through: int


class PayerChain:
    """The contracts, from one payer's point of view. Thread-safe as far as a doubled question does no harm."""

    def __init__(
        self,
        rpc: RpcClient,
        deployment: Deployment,
        *,
        follow_clock: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Take the L2.

        Args:
            rpc: a node, or several.
            deployment: where the contracts are.
            follow_clock: take the time from the newest block, for a devnet that moves its clock.
            wall: this machine's clock.
        """
        self.deployment = deployment
        self.rpc = rpc
        self._operators = Operators(rpc, deployment.l2.operators)
        self._escrow = PaymentEscrow(rpc, deployment.l2.escrow)
        self._ledger = ReceiptLedger(rpc, deployment.l2.ledger)
        self._follow_clock = follow_clock
        self._wall = wall
        self._offset_seconds = 0.0
        self._heads: tuple[float, Heads] | None = None
        self._keys: dict[tuple[bytes, int, bytes], float] = {}
        self._prices: dict[tuple[bytes, int], _KnownPrice] = {}
        self._free: dict[tuple[bytes, int], tuple[int, int]] = {}

    def close(self) -> None:
        self.rpc.close()

    def now(self) -> int:
        """Unix seconds."""
        if self._follow_clock:
            self.heads()
        return int(self._wall() + self._offset_seconds)

    def heads(self) -> Heads:
        """Newest and safe block, as of a few seconds ago at most."""
        if self._heads is None or time.monotonic() - self._heads[0] > _HEADS_SECONDS:
            found = heads(self.rpc)
            ahead = found.latest.timestamp - self._wall()
            # A block is always a little old, and not always equally: only a leap counts.
            if self._follow_clock and abs(ahead - self._offset_seconds) > _LEAP_SECONDS:
                self._offset_seconds = ahead
            self._heads = time.monotonic(), found
        return self._heads[1]

    def account(self, payer: bytes, operator: bytes) -> Account:
        """The escrow account as the newest block has it."""
        return self._escrow.account(payer, operator, "latest")

    def is_lane_key(self, operator: bytes, lane: int, key: bytes) -> bool:
        """Whether the key signs for the lane; a yes is believed for a minute."""
        place = (operator, lane, key)
        if time.monotonic() - self._keys.get(place, float("-inf")) < _KEY_SECONDS:
            return True
        latest = heads(self.rpc).latest
        if not self._operators.key_active_in(operator, lane, key, latest.timestamp, latest.timestamp, latest):
            return False
        self._keys[place] = time.monotonic()
        return True

    def price(self, operator: bytes, asset_id: int, second: int) -> Price:
        """The operator's published price in force at that second."""
        known = self._prices.get((operator, asset_id))
        if known is not None and known.price.effective_at <= second <= known.through:
            return known.price
        ahead = self.now() + _PRICE_AHEAD_SECONDS
        price = self._operators.price_at(operator, asset_id, ahead, "latest")
        self._prices[operator, asset_id] = _KnownPrice(price, ahead)
        if price.effective_at <= second <= ahead:
            return price
        return self._operators.price_at(operator, asset_id, second, "latest")

    def first_free_seq(self, operator: bytes, lane: int, sent_at: int, safe_block: int | None) -> int:
        """A seq below which batches had taken every number before a request was sent.

        Args:
            operator: whose lane.
            lane: which.
            sent_at: when it was sent.
            safe_block: number of a block that was safe then; None after a restart, when the lane's marks on chain have
                to do, which are written every two days.
        """
        if safe_block is not None:
            known = self._free.get((operator, lane))
            if known is not None and known[0] == safe_block:
                return known[1]
            try:
                free = self._ledger.next_seq(operator, lane, safe_block)
            except BlockNotFoundError:
                pass  # the node has dropped that block's state meanwhile
            else:
                self._free[operator, lane] = safe_block, free
                return free
        return self._ledger.seq_reached_by(operator, lane, sent_at, "latest")

    def next_seq(self, operator: bytes, lane: int) -> int:
        """Receipts below it are in batches that stand in a safe block."""
        return self._ledger.next_seq(operator, lane, "safe")
