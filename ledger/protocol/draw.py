"""The draw: which receipts of consenting payers an operator must open, by a number that nobody knew at the commit.

Source: docs/spec/draw.md.
"""

from typing import Final

from ledger.protocol.keccak import keccak256

ONE_IN: Final = 1_000
DRAW_DELAY_SECONDS: Final = 60
"""The seed is that of the first L1 block that is so much younger than the commit."""
OPENING_WINDOW_SECONDS: Final = 24 * 3600


def is_drawn(seed: bytes, batch_commitment: bytes, position: int, one_in: int = ONE_IN) -> bool:
    """Whether the receipt at this position of a batch is drawn.

    Args:
        seed: prevrandao of the seed block, 32 bytes.
        batch_commitment: of the batch, 32 bytes.
        position: the receipt's index in it.
        one_in: how many share one draw.
    """
    drawn = keccak256(seed, batch_commitment, position.to_bytes(4, "big"))
    return int.from_bytes(drawn, "big") % one_in == 0
