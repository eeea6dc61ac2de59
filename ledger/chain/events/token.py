"""What the token emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """Tokens moved; minted from, or burned to, the zero address."""

    sender: bytes
    recipient: bytes
    amount_units: int
