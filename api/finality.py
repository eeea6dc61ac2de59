"""How final a number is, by the chains' own tags, never by counting blocks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Finality(StrEnum):
    """Strongest tag that covers the block a number stands on."""

    PENDING = "pending"
    """In no block of the L2 yet."""
    UNSAFE = "unsafe"
    """In a block that only the sequencer vouches for."""
    SAFE = "safe"
    """In a block derived from data on L1."""
    FINALIZED = "finalized"
    """In a block that L1 can't take back."""


@dataclass(frozen=True, slots=True)
class Head:
    """A block that a tag names, as far as it is indexed."""

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Heads:
    """One chain's heads; a tag is None before the index has such a block."""

    unsafe: Head
    safe: Head | None
    finalized: Head | None

    def of(self, block_number: int) -> Finality:
        """Finality of a row that an event in this block made."""
        for finality, head in ((Finality.FINALIZED, self.finalized), (Finality.SAFE, self.safe)):
            if head is not None and block_number <= head.number:
                return finality
        return Finality.UNSAFE

    def numbers(self) -> dict[str, int]:
        """Block numbers by tag, for queries; -1 (no block) where there is none yet."""
        return {
            "finalized": -1 if self.finalized is None else self.finalized.number,
            "safe": -1 if self.safe is None else self.safe.number,
            "unsafe": self.unsafe.number,
        }
