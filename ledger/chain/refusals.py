"""What a node means when its pool refuses a transaction; clients say it in words, not codes."""

from typing import Final

from ledger.errors import (
    InsufficientFundsError,
    RpcRejectedError,
    TransactionSupersededError,
    TransactionUnderpricedError,
    TributaryError,
)
from ledger.protocol.hexadecimal import to_hex

_KNOWN: Final = ("already known", "already imported", "known transaction", "already exists")
_NONCE_USED: Final = ("nonce too low", "nonce is too low", "oldnonce")
_UNDERPRICED: Final = (
    "underpriced", "less than block base fee", "fee cap less than", "fee too low", "gas price too low",
    "blob gas less than", "max fee per blob gas", "tip too low", "priority fee too low",
)  # fmt: skip
_NO_FUNDS: Final = ("insufficient funds", "insufficient balance", "not enough funds")


def refusal_of(error: RpcRejectedError, chain: str, sender: bytes) -> TributaryError | None:
    """The typed error behind a pool's refusal; None if it already has the transaction."""
    text = str(error).lower()
    if _says(text, _KNOWN):
        return None
    if _says(text, _NONCE_USED):
        return TransactionSupersededError(f"On {chain} another transaction of {to_hex(sender)} used this nonce.")
    if _says(text, _UNDERPRICED):
        return TransactionUnderpricedError(f"{chain} wants a higher fee: {error}.")
    if _says(text, _NO_FUNDS):
        return InsufficientFundsError(f"{to_hex(sender)} can not pay for its transaction on {chain}; send it ether.")
    return error


def _says(text: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase in text for phrase in phrases)
