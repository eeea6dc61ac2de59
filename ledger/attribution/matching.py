"""Comparing what an index says with the text itself: what is not there word for word, is not there."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.protocol.attribution import placed_in_file
from ledger.protocol.attribution.folding import ESCAPED_FILES, UNIT_CHARACTERS, PlacedUnit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.attribution.texts import DatasetText
    from ledger.protocol.attribution import Method, Window

_SPACES: Final = b" \t\n\r"
_PLAIN_READ: Final = 320
_FIRST_READ: Final = 160
_BEFORE: Final = 1 << 16
_TOGETHER: Final = 8
"""Units more than asked for, since several may begin where the window does."""


class Found(NamedTuple):
    """Units of an answer, from the unit `first` on, that stand one after another in a file.

    Attributes:
        first: number of the first unit in the answer.
        file: number of the file in its dataset.
        starts: the byte of the file at which each of them begins there.
        ends: the byte after each.
    """

    first: int
    file: int
    starts: Sequence[int]
    ends: Sequence[int]

    def offset_of(self, window: Window) -> int:
        """Byte of the file at which a window within begins."""
        return self.starts[window.start - self.first]

    def window_at(self, window: Window, offset: int, most_bytes: int) -> bool:
        """Whether the window lies within, begins at that byte of the file, and is not spread too wide."""
        start = window.start - self.first
        end = start + window.length
        return (
            start >= 0
            and end <= len(self.starts)
            and self.starts[start] == offset
            and self.ends[end - 1] - offset <= most_bytes
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
        content, path = text.file_content(number), text.files[number].path
        found = self._plain(content, path, offset, window)
        if found is None:
            found = self._slowly(content, path, offset, window)
        starts, ends = found
        here = Found(window.start, number, starts, ends)
        return here if here.window_at(window, offset, self.most_bytes) else None

    def _plain(self, content: memoryview, path: str, offset: int, window: Window) -> tuple[list[int], list[int]] | None:
        """Places of the units that agree, if the text there is plain ASCII; None if that takes more than a look."""
        piece = bytes(content[offset : offset + _PLAIN_READ])
        if not piece.isascii() or any(byte in piece for byte in self._odd) or self._back(content, path, offset):
            return None
        if b"\\" in piece and path.endswith(ESCAPED_FILES):
            return None
        folded = piece.translate(self._ascii).decode()
        words = folded.split()
        if offset + _PLAIN_READ < len(content):
            words = words[:-1]  # what is cut off may belong to it
        if len(words) < window.length or len(max(words, key=len)) > UNIT_CHARACTERS:
            return None
        starts, ends, at = list[int](), list[int](), 0
        for word, wanted in zip(words, self._units[window.start : window.start + len(words)], strict=False):
            if word != wanted:
                break
            at = folded.find(word, at)
            starts.append(offset + at)
            at += len(word)
            ends.append(offset + at)
        return starts, ends

    def _slowly(self, content: memoryview, path: str, offset: int, window: Window) -> tuple[list[int], list[int]]:
        """Places of the units that agree, in any text."""
        placed = self._read(content, path, offset, window.length)
        best: list[PlacedUnit] = []
        for first, unit in enumerate(placed):
            if unit.start != offset:
                break  # a code point may have become several units, all of which begin there
            here = placed[first:]
            pairs = zip(here, self._units[window.start : window.start + len(here)], strict=False)
            same = sum(1 for _ in takewhile(lambda pair: pair[0].text == pair[1], pairs))
            best = max(best, here[:same], key=len)
        return [unit.start for unit in best], [unit.end for unit in best]

    def _read(self, content: memoryview, path: str, offset: int, least: int) -> list[PlacedUnit]:
        """At least so many units from a byte of the file on, if a unit starts there."""
        back, size = self._back(content, path, offset), _FIRST_READ
        while True:
            piece = bytes(content[offset - back : offset + size])
            cut = offset + size < len(content)
            # What is cut off may belong to the last unit.
            placed = placed_in_file(self._method.folding, piece, path)[: -1 if cut else None]
            here = [unit for unit in placed if unit.start >= back]
            if len(here) > least + _TOGETHER or not cut:
                break
            size *= 4
        shift = offset - back
        return [PlacedUnit(unit, start + shift, end + shift) for unit, start, end in here]

    def _back(self, content: memoryview, path: str, offset: int) -> int:
        """Bytes before `offset` that must be read to know that a unit starts there."""
        before = content[offset - 1] if offset else 0x20
        escapes = before == 0x5C and path.endswith(ESCAPED_FILES)
        if before < 0x80 and self._ascii[before] == 0x20 and not escapes and before not in self._odd:
            return 0
        window = bytes(content[max(0, offset - _BEFORE) : offset])
        return len(window) - 1 - max(window.rfind(space) for space in _SPACES)
