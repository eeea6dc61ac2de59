"""Shards of the index: sorted words of 64 bits, a fingerprint of a window above its place in the texts.

A shard covers whole datasets, end to end in the order of their assetIds, so among the places of one fingerprint the
first is the earliest registrant's. A repetition inside one build is left out: only the first place can ever count.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from ledger.attribution.errors import LibraryError
from ledger.attribution.windowing import in_parts, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ledger.attribution.hashing import U64, HashKey
    from ledger.attribution.reading import Reader
    from ledger.attribution.texts import DatasetText
    from ledger.protocol.attribution import Parameters

    Progress = Callable[[int], None]

SHARD_BYTES: Final = 1 << 29
"""Shards are built of, and merged up to, this size of text: some 4 GB of memory."""
_PLACE_BITS: Final = np.uint64(32)
_PLACE: Final = np.uint64((1 << 32) - 1)


@dataclass(frozen=True)
class Shard:
    """The index of some datasets.

    Attributes:
        asset_ids: the datasets, ascending.
        sizes: bytes of each one's text.
        words: fingerprint and place of each window, ascending.
        checksum: BLAKE2b-256 of the words as they are stored.
    """

    asset_ids: tuple[int, ...]
    sizes: tuple[int, ...]
    words: U64
    checksum: bytes

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(self.sizes)][:-1]

    def dataset_at(self, place: int) -> tuple[int, int]:
        """The dataset that has the byte at a place, and which of its bytes that is."""
        number = bisect_right(self._starts, place) - 1
        return self.asset_ids[number], place - self._starts[number]

    def candidates(self, hashes: U64) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """For each hash the first word with its fingerprint or above it, and whether there is one with it."""
        if not len(self.words):
            return np.zeros(len(hashes), np.intp), np.zeros(len(hashes), np.bool_)
        wanted = hashes & ~_PLACE
        at = np.searchsorted(self.words, wanted)
        here = self.words[np.minimum(at, len(self.words) - 1)]
        return at, (here & ~_PLACE == wanted) & (at < len(self.words))

    def first_places(self, at: NDArray[np.intp]) -> list[int]:
        """The place in each of these words."""
        found: list[int] = (self.words[at] & _PLACE).tolist()
        return found

    def places(self, at: int) -> Iterator[int]:
        """The places of the fingerprint whose first word is at `at`, ascending."""
        fingerprint = int(self.words[at]) >> 32
        while at < len(self.words) and (word := int(self.words[at])) >> 32 == fingerprint:
            yield word & 0xFFFFFFFF
            at += 1


def build(texts: Sequence[DatasetText], reader: Reader, key: HashKey, parameters: Parameters, done: Progress) -> U64:
    """The words of a shard over these texts, which have less than 4 GiB together."""
    hashes, places = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
    base = 0
    for text in texts:
        for number, file in enumerate(text.files):
            for units in in_parts(reader.pieces(text.file_content(number), file.path), parameters.window_units):
                starts, lengths = windows(units.arrays, parameters, units.first)
                hashes.append(key.windows(units.arrays.hashes, starts, lengths))
                places.append((units.arrays.starts[starts] + (base + text.bounds[number])).astype(np.uint64))
            done(file.size_bytes)
        base += len(text.content)
    return _first_places(np.concatenate(hashes), np.concatenate(places))


def _first_places(hashes: U64, places: U64) -> U64:
    """Sorted words, without windows that stand at an earlier place too."""
    words = (hashes & ~_PLACE) | np.arange(len(hashes), dtype=np.uint64)
    words.sort()
    keep = np.ones(len(words), np.bool_)
    keep[1:] = words[1:] >> _PLACE_BITS != words[:-1] >> _PLACE_BITS
    # Words with the fingerprint of the one before: nearly always the same window again.
    later, heads = np.flatnonzero(~keep), np.flatnonzero(keep)
    head = heads[np.searchsorted(heads, later, "right") - 1]
    mine = hashes[(words[later] & _PLACE).astype(np.intp)]
    differs = mine != hashes[(words[head] & _PLACE).astype(np.intp)]
    # Two windows with one fingerprint: rare, and each of them keeps its first place.
    _, first = np.unique(mine[differs], return_index=True)
    keep[later[differs][first]] = True
    words = words[keep]
    kept: U64 = (words & ~_PLACE) | places[(words & _PLACE).astype(np.intp)]
    return kept


def merged(first: Shard, second: Shard) -> U64:
    """The words of one shard over the datasets of two, the first one's before the second one's."""
    words = np.concatenate([first.words, second.words + np.uint64(sum(first.sizes))])
    words.sort()
    return words


def checksum(words: U64) -> bytes:
    """BLAKE2b-256 of the words as they are stored, little-endian."""
    return hashlib.blake2b(words.astype("<u8", copy=False).data, digest_size=32).digest()


def write(path: Path, words: U64) -> bytes:
    """Store the words; their checksum."""
    stored = np.ascontiguousarray(words, "<u8")
    stored.tofile(path)
    return checksum(stored)


def load(path: Path, asset_ids: Sequence[int], sizes: Sequence[int], expected: bytes) -> Shard:
    """A stored shard, mapped into memory.

    Raises:
        LibraryError: it is not there, or has been changed since it was built.
    """
    try:
        empty = path.stat().st_size == 0
        words = np.empty(0, "<u8") if empty else np.memmap(path, "<u8", "r").view(np.ndarray)
    except (OSError, ValueError) as error:
        raise LibraryError(f"The shard {path.name} can't be read: {error}.") from error
    if checksum(words) != expected:
        raise LibraryError(f"The shard {path.name} has been changed: build the library again.")
    return Shard(tuple(asset_ids), tuple(sizes), words, expected)
