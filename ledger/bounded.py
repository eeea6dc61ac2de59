"""Reading what others send, up to a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def gather(pieces: Iterable[bytes], most_bytes: int) -> bytes | None:
    """All of it; None if it is longer than that: what does not end is given up before it fills the memory."""
    gathered, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > most_bytes:
            return None
        gathered.append(piece)
    return b"".join(gathered)
