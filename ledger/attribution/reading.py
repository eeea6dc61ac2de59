"""The units of a file as arrays: the vectorised twin of `placed_in_file`, for texts of any size.

A file is read in pieces that end behind a byte which is a separator in every reading, so no unit is cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from ledger.attribution.errors import LibraryError
from ledger.attribution.hashing import CODE_POINTS, HashKey, KnownUnits
from ledger.protocol.attribution.folding import ESCAPED_FILES, UNIT_CHARACTERS, decoded, text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ledger.attribution.hashing import I64, U64, Letters
    from ledger.protocol.attribution import Method

PIECE_BYTES: Final = 1 << 20
_SPACE: Final = 0x20
_LONGEST_MARK: Final = 8
MOST_PIECE_BYTES: Final = 1 << 23
"""A file with a longer run without any separator is no text, and would take memory without bound."""
_MARKS: Final = rb"[ \t\n\r,.;:!?(){}\"']|\xe3\x80[\x80-\x82]|\xef\xbc\x8c"
"""Bytes that end a unit wherever they stand: ASCII's, and the space, stops and comma of Chinese and Japanese."""
_BREAK: Final = re.compile(_MARKS)
_BREAK_ESCAPED: Final = re.compile(_MARKS + rb"|(?<!\\)\\u(?:300[0-2]|[fF][fF]0[cC])")


@dataclass(frozen=True)
class UnitArrays:
    """Units of a file in order: keyed hash, surprisal, and bytes [start, end) of the file."""

    hashes: U64
    millibits: NDArray[np.int32]
    starts: I64
    ends: I64

    def behind(self, number: int) -> UnitArrays:
        """The units from this one on."""
        return UnitArrays(
            self.hashes[number:].copy(), self.millibits[number:].copy(), self.starts[number:].copy(),
            self.ends[number:].copy(),
        )  # fmt: skip


class Reader:
    """Reads files into units.

    Attributes:
        ascii_fold: what each ASCII byte folds to, for `bytes.translate`.
        odd: the ASCII bytes that don't fold to one byte.
    """

    def __init__(self, method: Method, key: HashKey) -> None:
        self._method, self._key = method, key
        self._known = KnownUnits(method.surprisal.known, key)
        folds = [method.folding[code_point] for code_point in range(128)]
        self.ascii_fold = bytes(ord(fold) if len(fold) == 1 else _SPACE for fold in folds).ljust(256, b" ")
        self.odd = bytes(code_point for code_point, fold in enumerate(folds) if len(fold) != 1)

    def pieces(self, content: memoryview | bytes, path: str) -> Iterator[UnitArrays]:
        """The units of a file, a piece of about a MiB at a time."""
        start = 0
        while start < len(content):
            end = _piece_end(content, path, start)
            yield self._units(text_bytes(bytes(content[start:end]), path), start)
            start = end

    def whole(self, content: memoryview | bytes, path: str) -> UnitArrays:
        """The units of a file at once."""
        return joined(list(self.pieces(content, path)))

    def _units(self, piece: bytes, offset: int) -> UnitArrays:
        plain = piece.isascii() and not any(byte in piece for byte in self.odd)
        if plain:
            text: Letters = np.frombuffer(piece.translate(self.ascii_fold), np.uint8)
            starts, ends = _cut(*_runs(text))
            first, after = starts, ends
        else:
            text, before, behind = self._folded(decoded(piece))
            starts, ends = _cut(*_runs(text))
            first, after = before[starts], behind[ends - 1]
        hashes = self._key.units(text, starts, ends)
        surprisal = self._method.surprisal
        millibits = np.minimum(surprisal.most, surprisal.per_character * (ends - starts)).astype(np.int32)
        self._known.fill(hashes, millibits)
        return UnitArrays(hashes, millibits, first + offset, after + offset)

    def _folded(self, text: str) -> tuple[Letters, I64, I64]:
        """Code points of the folded text, and the bytes [start, end) of the piece that each comes from."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
        sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
        sizes[(codes >= 0xD800) & (codes < 0xE000)] = 1
        behind = np.cumsum(sizes)
        letters, lengths = self._table
        counts = lengths[codes]
        source = np.repeat(np.arange(len(codes)), counts)
        folded = letters[codes[source]]
        several = np.flatnonzero(counts > 1)
        at = (np.cumsum(counts, dtype=np.int64) - counts)[several]
        for place, code_point in zip(at.tolist(), codes[several].tolist(), strict=True):
            fold = self._method.folding[code_point]
            folded[place : place + len(fold)] = [ord(letter) for letter in fold]
        return folded, (behind - sizes)[source], behind[source]

    @cached_property
    def _table(self) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """For each code point the first letter of its replacement, and how many there are."""
        letters, lengths = np.full(CODE_POINTS, _SPACE, np.uint32), np.ones(CODE_POINTS, np.uint8)
        for code_point, fold in self._method.folding.items():
            letters[code_point], lengths[code_point] = ord(fold[:1] or " "), len(fold)
        return letters, lengths


def joined(pieces: list[UnitArrays]) -> UnitArrays:
    """Arrays one after another."""
    if len(pieces) == 1:
        return pieces[0]
    empty = UnitArrays(np.empty(0, np.uint64), np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.int64))
    parts = pieces or [empty]
    return UnitArrays(
        np.concatenate([part.hashes for part in parts]),
        np.concatenate([part.millibits for part in parts]),
        np.concatenate([part.starts for part in parts]),
        np.concatenate([part.ends for part in parts]),
    )


def _piece_end(content: memoryview | bytes, path: str, start: int) -> int:
    """Behind the next bytes, a MiB further on, that end a unit and an escape.

    Raises:
        LibraryError: there are none for far too long.
    """
    marks, at = _BREAK_ESCAPED if path.endswith(ESCAPED_FILES) else _BREAK, start + PIECE_BYTES
    if at >= len(content):
        return len(content)
    # From a little before, so that bytes which belong together are seen together.
    found = marks.search(content, at - _LONGEST_MARK, start + MOST_PIECE_BYTES)
    if found:
        return found.end()
    if start + MOST_PIECE_BYTES < len(content):
        raise LibraryError(f"{path} has {MOST_PIECE_BYTES >> 20} MiB without a space or a stop: it is no text.")
    return len(content)


def _runs(text: Letters) -> tuple[I64, I64]:
    """Starts and ends of the runs of other letters than spaces."""
    inside = np.zeros(len(text) + 2, np.int8)
    inside[1:-1] = text != _SPACE
    steps = np.diff(inside)
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


def _cut(starts: I64, ends: I64) -> tuple[I64, I64]:
    """The runs cut after each 64th code point."""
    long = np.flatnonzero(ends - starts > UNIT_CHARACTERS)
    if not len(long):
        return starts, ends
    cuts = np.concatenate([np.arange(starts[n] + UNIT_CHARACTERS, ends[n], UNIT_CHARACTERS) for n in long])
    return np.sort(np.concatenate([starts, cuts])), np.sort(np.concatenate([ends, cuts]))
