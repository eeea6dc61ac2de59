"""Attribution sets in the S elements of a batch.

A set is 1 to 4 elements one after another: part, parts, zero, then four entries of assetId (4 bytes) and ppm (3 bytes).
Source: docs/spec/blob.md.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from audit.batch.decode import number
from ledger.protocol.units import PPM

ENTRIES: Final = 4
ENTRY_BYTES: Final = 7
MAX_PARTS: Final = 4


class Entry(NamedTuple):
    """A dataset's part of one answer's data share; asset 0 stands for the terms' weights."""

    asset_id: int
    ppm: int


class Part(NamedTuple):
    """One S element."""

    part: int
    parts: int
    zero: int
    entries: tuple[Entry, ...]
    """All four, used or not."""


def read_part(element: bytes) -> Part:
    """An S element's fields."""
    starts = range(4, 4 + ENTRIES * ENTRY_BYTES, ENTRY_BYTES)
    entries = tuple(Entry(number(element, at, at + 4), number(element, at + 4, at + 7)) for at in starts)
    return Part(element[1], element[2], element[3], entries)


def read_sets(elements: Sequence[bytes], first_position: int) -> tuple[dict[int, tuple[Entry, ...]], list[int]]:
    """(the sets by the position of their first element, positions of elements that belong to no well-formed set).

    Args:
        elements: S_0, S_1 and so on.
        first_position: the position of S_0 among all elements of the batch.
    """
    sets: dict[int, tuple[Entry, ...]] = {}
    strays: list[int] = []
    at = 0
    while at < len(elements):
        parts = [read_part(element) for element in elements[at : at + max(1, elements[at][2])]]
        if is_set(parts):
            sets[first_position + at] = tuple(entry for part in parts for entry in part.entries if entry.ppm)
            at += len(parts)
        else:
            strays.append(first_position + at)
            at += 1
    return sets, strays


def is_set(parts: Sequence[Part]) -> bool:
    """Whether these elements, in this order, are one whole well-formed set."""
    if not 1 <= len(parts) <= MAX_PARTS:
        return False
    if any((p.part, p.parts, p.zero) != (i, len(parts), 0) for i, p in enumerate(parts)):
        return False
    everything = [entry for part in parts for entry in part.entries]
    used = [entry for entry in everything if entry.ppm]
    unused = everything[len(used) :]
    last_part_is_used = len(used) > ENTRIES * (len(parts) - 1)
    rising = all(a.asset_id < b.asset_id for a, b in pairwise(used))
    return (
        last_part_is_used
        and rising
        and all(entry == (0, 0) for entry in unused)
        and sum(entry.ppm for entry in used) == PPM
    )
