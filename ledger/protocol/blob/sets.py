"""A batch's attribution sets as flat columns, all read at once with numpy.

This is the quick way for batches whose sets are all well-formed; faults.py walks over the others one by one.
tests/unit/protocol compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ledger.protocol.attribution import ENTRIES_PER_PART, MAX_PARTS
from ledger.protocol.blob import layout
from ledger.protocol.blob.records import u24
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.records import Elements, Ints

SET: Final = np.dtype(
    [
        ("top", "u1"),
        ("part", "u1"),
        ("parts", "u1"),
        ("zero", "u1"),
        ("entries", [("asset_id", ">u4"), ("ppm", "u1", (3,))], (ENTRIES_PER_PART,)),
    ]
)
"""S_k as one 32-byte record."""


@dataclass(frozen=True, slots=True)
class SetTable:
    """Sets by rising position; the entries of set s are `first[s]` to `first[s + 1]` of the entry columns."""

    positions: Ints
    first: Ints
    asset_ids: Ints
    ppms: Ints

    def index_of(self, set_positions: Ints) -> Ints:
        """Which set each position names, all of which must be there; -1 where it is 0, for no set."""
        index: Ints = np.searchsorted(self.positions, set_positions)
        return np.where(set_positions == 0, -1, index)


def well_formed_sets(columns: BatchColumns) -> SetTable | None:
    """Every set of the batch, or None if one of them breaks the form of a set."""
    header = columns.header
    start = layout.s_position(header.count, header.payer_count, 0)
    return _table(columns.set_elements, start)


def _table(elements: Elements, start: int) -> SetTable | None:
    records = np.ascontiguousarray(elements).view(SET)[:, 0] if len(elements) else np.zeros(0, SET)
    part, parts = records["part"].astype(np.int64), records["parts"].astype(np.int64)
    heads = np.flatnonzero(part == 0)
    if not _parts_tile(part, parts, heads):
        return None
    asset_ids = records["entries"]["asset_id"].astype(np.int64)
    ppms = u24(records["entries"]["ppm"].reshape(-1, 3)).reshape(-1, ENTRIES_PER_PART)
    used = ppms != 0
    counts = used.sum(axis=1)
    is_last = part == parts - 1
    sound = (
        not records["top"].any()
        and not records["zero"].any()
        and not (used[:, 1:] & ~used[:, :-1]).any()  # unused entries stand at the end
        and not asset_ids[~used].any()
        and bool(np.all(counts > 0))
        and bool(np.all((counts == ENTRIES_PER_PART) | is_last))
    )
    if not sound:
        return None
    first = np.concatenate([[0], np.cumsum(counts)])[np.append(heads, len(part))]
    table = SetTable(start + heads, first.astype(np.int64), asset_ids[used], ppms[used])
    return table if _entries_are_sound(table) else None


def _parts_tile(part: Ints, parts: Ints, heads: Ints) -> bool:
    """Whether the elements are sets one behind the other, the parts of each numbered from 0."""
    if not len(part):
        return True
    if part[0] != 0:
        return False
    sizes = np.diff(np.append(heads, len(part)))
    number = np.arange(len(part)) - np.repeat(heads, sizes)
    stated = np.repeat(parts[heads], sizes)
    return bool(
        np.all(parts[heads] == sizes)
        and np.all(sizes <= MAX_PARTS)
        and np.all(part == number)
        and np.all(parts == stated)
    )


def _entries_are_sound(table: SetTable) -> bool:
    """Whether assetIds ascend strictly within each set and its ppm sum to one million."""
    if not len(table.positions):
        return True
    rises = np.diff(table.asset_ids) > 0
    between_sets = table.first[1:-1] - 1
    rises[between_sets] = True
    sums = np.add.reduceat(table.ppms, table.first[:-1])
    return bool(rises.all() and np.all(sums == PPM))
