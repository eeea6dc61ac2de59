"""Comparing what an index says with the text itself: what is not there word for word, is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.protocol.attribution import placed_in_file
from ledger.protocol.attribution.folding import UNIT_CHARACTERS, PlacedUnit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.attribution.texts import DatasetText
    from ledger.protocol.attribution import Method, Window

_SPACES: Final = b" \t\n\r"
_WORDS: Final = re.compile(rb"[^ ]+")
_FIRST_READ: Final = 512
_BEFORE: Final = 1 << 16


class Found(NamedTuple):
    """Units of an answer, from the unit `first` on, that stand one after another in a file.

    Attributes:
        first: number of the first unit in the answer.
        file: number of the file in its dataset.
        placed: the units as they stand there, with their bytes in the file.
    """

    first: int
    file: int
    placed: Sequence[PlacedUnit]

    def offset_of(self, window: Window) -> int:
        """Byte of the file at which a window within begins."""
        return self.placed[window.start - self.first].start

    def window_at(self, window: Window, offset: int, most_bytes: int) -> bool:
        """Whether the window lies within, begins at that byte of the file, and is not spread too wide."""
        start = window.start - self.first
        end = start + window.length
        return (
            start >= 0
            and end <= len(self.placed)
            and self.placed[start].start == offset
            and self.placed[end - 1].end - offset <= most_bytes
        )


class Matcher:
    """Compares the units of one answer with places in texts."""

    def __init__(self, units: Sequence[str], method: Method, ascii_fold: bytes, odd: bytes) -> None:
        self._units, self._method = units, method
        self._ascii, self._odd = ascii_fold, odd
        self.most_bytes = method.parameters.window_bytes

    def found(self, text: DatasetText, place: int, window: Window) -> Found | None:
        """The answer's units from the window's start on as far as they stand at that byte of the dataset.

        None unless the window is among them.
        """
        number = text.file_at(place)
        if not 0 <= number < len(text.files):
            return None
        offset = place - text.bounds[number]
        placed = self._read(text, number, offset, window.length) or []
        same = 0
        for unit, wanted in zip(placed, self._units[window.start :], strict=False):
            if unit.text != wanted:
                break
            same += 1
        found = Found(window.start, number, placed[:same])
        return found if found.window_at(window, offset, self.most_bytes) else None

    def _read(self, text: DatasetText, number: int, offset: int, least: int) -> list[PlacedUnit] | None:
        """At least so many units from a byte of the file on, if a unit starts there."""
        content, path = text.file_content(number), text.files[number].path
        back = self._back(content, offset)
        size = _FIRST_READ
        while True:
            piece = bytes(content[offset - back : offset + size])
            cut = offset + size < len(content)
            # What is cut off may belong to the last unit.
            found = self._placed(piece, path, offset - back)[: -1 if cut else None]
            if len(found) > least or not cut:
                break
            size *= 4
        if not back:
            return found
        starts = [unit.start for unit in found]
        return found[starts.index(offset) :] if offset in starts else None

    def _back(self, content: memoryview, offset: int) -> int:
        """Bytes before `offset` that must be read to know that a unit starts there."""
        before = content[offset - 1] if offset else 0x20
        if before < 0x80 and self._ascii[before] == 0x20 and before != 0x5C and before not in self._odd:
            return 0
        window = bytes(content[max(0, offset - _BEFORE) : offset])
        return len(window) - 1 - max(window.rfind(space) for space in _SPACES)

    def _placed(self, piece: bytes, path: str, offset: int) -> list[PlacedUnit]:
        """Units of a part of a file."""
        if piece.isascii() and b"\\" not in piece and not any(byte in piece for byte in self._odd):
            found = [
                PlacedUnit(match[0].decode(), match.start() + offset, match.end() + offset)
                for match in _WORDS.finditer(piece.translate(self._ascii))
            ]
            if all(len(unit.text) <= UNIT_CHARACTERS for unit in found):
                return found
        placed = placed_in_file(self._method.folding, piece, path)
        return [PlacedUnit(unit, start + offset, end + offset) for unit, start, end in placed]
