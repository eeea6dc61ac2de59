"""What to offer for gas: from the market, under ceilings that the sender sets.

Source: EIP-1559, EIP-4844; replacement rules of go-ethereum's pools (10 % for type 2, 100 % for
type 3, on every price).
"""

from dataclasses import dataclass
from typing import Final

from ledger.chain.quantities import member, quantity, to_quantity
from ledger.chain.rpc import RpcClient
from ledger.chain.transaction import Fees
from ledger.errors import FeeTooHighError, MalformedAnswerError

GWEI: Final = 10**9


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """How far to go above the next block's prices, and where to stop (None: nowhere).

    Twice the base fee outlasts about six full blocks in a row. Blob transactions are dear to
    replace (every price must double), so their ceiling is set wider from the start.
    """

    base_fee_multiple: int = 2
    blob_fee_multiple: int = 4
    ceiling_wei: int | None = None
    blob_ceiling_wei: int | None = None


def market_fees(rpc: RpcClient, policy: FeePolicy, *, blobs: bool = False) -> Fees:
    """Fees that the next blocks should accept.

    Raises:
        FeeTooHighError: a price of the next block is itself above its ceiling.
    """
    history, tip = rpc.batch([("eth_feeHistory", (to_quantity(1), "latest", [])), ("eth_maxPriorityFeePerGas", ())])
    priority = quantity(tip)
    base = _next_price(history, "baseFeePerGas")
    blob = _next_price(history, "baseFeePerBlobGas") if blobs else 0
    fees = Fees(base * policy.base_fee_multiple + priority, priority, blob * policy.blob_fee_multiple)
    return _bounded(fees, Fees(base + priority, priority, blob), policy, rpc.name)


def raised_fees(old: Fees, market: Fees, policy: FeePolicy, *, blobs: bool, chain: str) -> Fees:
    """Fees at which a pool lets a transaction replace one that offered `old`.

    Raises:
        FeeTooHighError: the least replacement is above a ceiling.
    """

    def raised(before: int) -> int:
        return before * 2 if blobs else before + -(-before // 8)

    least = Fees(raised(old.max_fee_wei), raised(old.max_priority_fee_wei), raised(old.max_blob_fee_wei))
    wanted = Fees(
        max(least.max_fee_wei, market.max_fee_wei),
        max(least.max_priority_fee_wei, market.max_priority_fee_wei),
        max(least.max_blob_fee_wei, market.max_blob_fee_wei),
    )
    return _bounded(wanted, least, policy, chain)


def _bounded(wanted: Fees, least: Fees, policy: FeePolicy, chain: str) -> Fees:
    """The wanted fees cut to the ceilings, unless even the least ones lie above."""
    limit, blob_limit = policy.ceiling_wei, policy.blob_ceiling_wei
    for what, price, ceiling in (
        ("gas", least.max_fee_wei, limit),
        ("blob gas", least.max_blob_fee_wei, blob_limit),
    ):
        if ceiling is not None and price > ceiling:
            raise FeeTooHighError(f"{chain} {what} costs {price} wei, above the ceiling of {ceiling} wei.")
    max_fee = wanted.max_fee_wei if limit is None else min(wanted.max_fee_wei, limit)
    max_blob_fee = wanted.max_blob_fee_wei if blob_limit is None else min(wanted.max_blob_fee_wei, blob_limit)
    return Fees(max_fee, min(wanted.max_priority_fee_wei, max_fee), max_blob_fee)


def _next_price(history: object, name: str) -> int:
    """The next block's price: the last entry of a fee history's list."""
    prices = member(history, name)
    if not isinstance(prices, list) or not prices:
        raise MalformedAnswerError(f"A node's fee history has no {name}.")
    return quantity(prices[-1])
