"""Hashes of units and windows for whole texts at once, with a key that is drawn for each library.

Equal runs of units have equal hashes. Unequal ones have equal hashes with the odds of chance, since nobody who writes a
text knows the key; and what the index finds is compared with the text in any case.
All arithmetic is modulo 2^64, as numpy's is.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    U64 = NDArray[np.uint64]
    I64 = NDArray[np.int64]
    Letters = NDArray[np.uint8] | NDArray[np.uint32]

CODE_POINTS: Final = 0x110000
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_HALF: Final = np.uint64(32)
_WORD: Final = 1 << 64


class HashKey:
    """The key: a random word for each code point, and the odd bases of two polynomials."""

    def __init__(self, seed: bytes) -> None:
        """Derive everything from 32 bytes."""
        drawn = hashlib.shake_256(seed).digest(8 * (CODE_POINTS + 2))
        words = np.frombuffer(drawn, "<u8").astype(np.uint64)
        self._letters: U64 = words[:CODE_POINTS]
        self._characters = _Powers(int(words[-2]))
        self._units = _Powers(int(words[-1]))

    def units(self, text: Letters, starts: I64, ends: I64) -> U64:
        """Hash of the code points text[start:end] for each unit."""
        values = _sums(self._letters[text], self._characters, starts, ends)
        values ^= values >> _HALF
        values *= _MIX
        return values

    def windows(self, units: U64, starts: I64, lengths: I64) -> U64:
        """Hash of the run of `length` units from each start."""
        values = _sums(units, self._units, starts, starts + lengths)
        values ^= values >> _HALF
        values *= _MIX
        return values


class _Powers:
    """base^0, base^1, … and those of its inverse, as many as are asked for."""

    def __init__(self, number: int) -> None:
        base = number | 1  # odd, so that it has an inverse
        self._base, self._inverse = base, pow(base, -1, _WORD)
        self._tables = self._made(1 << 12)

    def first(self, count: int) -> tuple[U64, U64]:
        if count > len(self._tables[0]):
            self._tables = self._made(1 << (count - 1).bit_length())
        powers, inverses = self._tables
        return powers[:count], inverses[:count]

    def _made(self, count: int) -> tuple[U64, U64]:
        made = []
        for base in (self._base, self._inverse):
            factors = np.full(count, base, np.uint64)
            factors[0] = 1
            made.append(np.multiply.accumulate(factors))
        return made[0], made[1]


def _sums(values: U64, powers: _Powers, starts: I64, ends: I64) -> U64:
    """For each [start, end) the polynomial of its values, whatever its place."""
    forward, back = powers.first(len(values) + 1)
    running = np.zeros(len(values) + 1, np.uint64)
    np.cumsum(values * forward[:-1], out=running[1:])
    sums: U64 = (running[ends] - running[starts]) * back[starts]
    return sums


class KnownUnits:
    """The surprisal table by hash."""

    def __init__(self, known: dict[str, int], key: HashKey) -> None:
        self._known, self._key = known, key

    @cached_property
    def _table(self) -> tuple[U64, NDArray[np.int32]]:
        lengths = np.array([len(unit) for unit in self._known], np.int64)
        starts = np.cumsum(lengths) - lengths
        text = np.frombuffer("".join(self._known).encode("utf-32-le"), "<u4")
        hashes = self._key.units(text, starts, starts + lengths)
        order = np.argsort(hashes)
        return hashes[order], np.array(list(self._known.values()), np.int32)[order]

    def fill(self, hashes: U64, millibits: NDArray[np.int32]) -> None:
        """Write the table's surprisal over `millibits` wherever it has the unit."""
        table, values = self._table
        at = np.minimum(np.searchsorted(table, hashes), len(table) - 1)
        known = table[at] == hashes
        millibits[known] = values[at[known]]
