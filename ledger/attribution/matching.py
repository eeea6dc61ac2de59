"""Comparing what an index says with the text itself: what is not there word for word, is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

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


class Matcher:
    """Compares the windows of one answer with places in texts."""

    def __init__(self, units: Sequence[str], method: Method, ascii_fold: bytes, odd: bytes) -> None:
        self._units, self._method = units, method
        self._ascii, self._odd = ascii_fold, odd
        self._start, self._run = 0, list[PlacedUnit]()  # units from `start` on stand here
        self._where: tuple[int, int] = (-1, -1)

    def holds(self, text: DatasetText, place: int, window: Window) -> bool:
        """Whether the window's units stand at that byte of the dataset, all in one file."""
        number = text.file_at(place)
        if not 0 <= number < len(text.files):
            return False
        offset = place - text.bounds[number]
        if self._known(text.asset_id, number, offset, window):
            return True
        found = self._read(text, number, offset, window.length)
        if found is None or not self._near(found, window.length):
            return False
        wanted = self._units[window.start :]
        same = 0
        while same < min(len(found), len(wanted)) and found[same].text == wanted[same]:
            same += 1
        if same < window.length:
            return False
        self._where, self._start, self._run = (text.asset_id, number), window.start, found[:same]
        return True

    def _known(self, asset_id: int, number: int, offset: int, window: Window) -> bool:
        """Whether the comparison before went over these units at this place."""
        ahead = window.start - self._start
        run = self._run[ahead:] if ahead >= 0 else []
        return (
            self._where == (asset_id, number)
            and len(run) >= window.length
            and run[0].start == offset
            and self._near(run, window.length)
        )

    def _near(self, run: Sequence[PlacedUnit], length: int) -> bool:
        return len(run) >= length and run[length - 1].end - run[0].start <= self._method.parameters.window_bytes

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
