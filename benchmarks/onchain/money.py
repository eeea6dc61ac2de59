"""Gas as money at stated prices. Integers throughout: wei, and nano-dollars rounded up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.onchain.batches import Spent

GWEI = 10**9
NANODOLLARS = 10**9
FEE_NANODOLLARS = NANODOLLARS // 100
"""A fee of one cent …"""
OPERATOR_PERCENT = 80
"""… of which the operator, who pays for posting, keeps 80 % and contributors get 20 %."""
LARGEST_BATCH = 12_282


@dataclass(frozen=True)
class Prices:
    """One state of the market. Whole dollars an ether."""

    name: str
    l1_wei: int
    blob_wei: int
    l2_wei: int
    dollars: int


PRICE_SETS = (
    Prices("calm", 1 * GWEI, GWEI // 16, GWEI // 1000, 3_000),
    Prices("busy", 20 * GWEI, 5 * GWEI, GWEI // 50, 3_500),
    Prices("2024 peak", 100 * GWEI, 50 * GWEI, GWEI // 2, 4_000),
)
"""Assumptions, not measurements. Calm: blob gas at the least that EIP-7918 lets it cost, a sixteenth of L1 gas."""

BASE_FEE_SCALAR, BLOB_FEE_SCALAR = 2_269, 1_055_762
"""Of an OP Stack L2's fee for its data on L1; those of Base, 2024 to 2025."""


def data_fee_wei(sent_bytes: int, prices: Prices) -> int:
    """What an OP Stack L2 (Fjord) adds for a transaction's bytes, taking them for incompressible: an upper bound."""
    size = max(100_000_000, 836_500 * sent_bytes)
    price = 16 * BASE_FEE_SCALAR * prices.l1_wei + BLOB_FEE_SCALAR * prices.blob_wei
    return -(-size * price // 10**12)


def cost_wei(spent: Spent, prices: Prices) -> int:
    """Everything together; the data fee as if all L2 bytes were one transaction's."""
    execution = spent.l1_gas * prices.l1_wei + spent.l2_gas * prices.l2_wei
    return execution + spent.blob_gas * prices.blob_wei + data_fee_wei(spent.l2_bytes, prices)


def nanodollars(wei: int, prices: Prices) -> int:
    """Rounded up."""
    return -(-wei * prices.dollars * NANODOLLARS // 10**18)


def break_even(costs: Callable[[int], int], earned: int) -> int | None:
    """Least number of receipts from which on a batch's costs stay within `earned` for each; None if there is none.

    Costs rise with the receipts, but by steps (a further blob), so the search goes down from the largest batch.
    """
    least = None
    for receipts in range(LARGEST_BATCH, 0, -1):
        if costs(receipts) > receipts * earned:
            break
        least = receipts
    return least
