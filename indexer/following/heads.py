"""What latest, safe and finalized mean for rows: never more than is indexed, and final stays final."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.chain.blocks import BlockRef, Heads, Tag


class Head(NamedTuple):
    """A block as the heads table keeps it."""

    number: int
    hash: bytes
    timestamp: int

    @classmethod
    def of(cls, block: BlockRef) -> Head:
        return cls(block.number, block.hash, block.timestamp)


StoredHeads = dict["Tag", Head]


def indexed_heads(chain: Heads | None, tip: Head, stored: Mapping[Tag, Head]) -> StoredHeads:
    """The heads to store once everything up to `tip` is indexed.

    A tag's block is the chain's own, but not above the tip, and not below what was once final. What is safe may become
    unsafe again; but a node that lags only names older blocks, and is not asked.

    Args:
        chain: the chain's own heads; None to keep what is stored, as far as it does not lie above the tip.
        tip: the last indexed block.
        stored: the heads as they are stored now.
    """
    was_final = stored.get("finalized")
    final = min(Head.of(chain.finalized) if chain else was_final or tip, tip)
    final = max(final, was_final or final)
    was_safe = stored.get("safe", final)
    is_told = chain is not None and chain.latest.number >= tip.number
    safe = max(min(Head.of(chain.safe) if chain and is_told else was_safe, tip), final)
    return {"latest": tip, "safe": safe, "finalized": final}
