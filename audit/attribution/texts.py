"""The audit's own finder of words: an inverted list of the published texts, and nothing of the index engine.

Source: docs/spec/attribution.md, "Occurrence".
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from ledger.protocol.attribution import Method, Origin, Window
from ledger.protocol.attribution.finding import TextFile, placed_in_file

NOWHERE = -1


class PublishedTexts:
    """Every word of the texts with its places, in the order of seniority."""

    def __init__(self, files: Iterable[TextFile], method: Method) -> None:
        """Read the files in the order of assetId, then of the bytes of their paths."""
        self._farthest = method.parameters.window_bytes
        self._files: list[TextFile] = []
        self._first_word: list[int] = []
        self._words: list[str] = []
        self._starts, self._ends = array("Q"), array("Q")
        self._places: dict[str, array[int]] = {}
        for file in sorted(files, key=lambda file: (file.asset_id, file.path.encode())):
            self._read(file, method)

    def first(self, units: Sequence[str], windows: Sequence[Window]) -> list[Origin | None]:
        """For each window of these words where it stands first, None where no text holds it."""
        found: dict[tuple[str, ...], Origin | None] = {}
        for start, length in windows:
            run = tuple(units[start : start + length])
            if run not in found:
                found[run] = self._origin(run)
        return [found[tuple(units[start : start + length])] for start, length in windows]

    def _read(self, file: TextFile, method: Method) -> None:
        self._first_word.append(len(self._words))
        self._files.append(TextFile(file.asset_id, file.path, b""))
        for unit in placed_in_file(method.folding, file.content, file.path):
            self._places.setdefault(unit.text, array("Q")).append(len(self._words))
            self._words.append(unit.text)
            self._starts.append(unit.start)
            self._ends.append(unit.end)

    def _origin(self, run: tuple[str, ...]) -> Origin | None:
        """The run's first place: looked for from its rarest word."""
        none: array[int] = array("Q")
        rarest = min(range(len(run)), key=lambda at: len(self._places.get(run[at], none)))
        for place in self._places.get(run[rarest], none):
            first = place - rarest
            if first >= 0 and self._stands(run, first):
                file = self._files[self._file_of(first)]
                return Origin(file.asset_id, file.path, self._starts[first])
        return None

    def _stands(self, run: tuple[str, ...], first: int) -> bool:
        last = first + len(run) - 1
        if tuple(self._words[first : last + 1]) != run or self._file_of(first) != self._file_of(last):
            return False
        return self._ends[last] - self._starts[first] <= self._farthest

    def _file_of(self, place: int) -> int:
        return bisect_right(self._first_word, place) - 1
