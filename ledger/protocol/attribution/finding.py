"""Where a run of words stands first: what the function asks of whoever has the texts.

Source: docs/spec/attribution.md, "Occurrence".
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ledger.protocol.attribution.folding import Folding, PlacedUnit, decoded, text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ledger.protocol.attribution.parameters import Method
    from ledger.protocol.attribution.windows import Window


class Origin(NamedTuple):
    """Where a window stands first: in the earliest registered dataset that holds it, at its first place there.

    Attributes:
        asset_id: the dataset's; 0 for the background, whose text belongs to nobody.
        path: file of the dataset; its files go in the order of their paths' bytes.
        offset: of its first unit, in bytes of that file.
    """

    asset_id: int
    path: str
    offset: int


class Finder(Protocol):
    """Knows the texts of registered datasets."""

    def first(self, units: Sequence[str], windows: Sequence[Window]) -> Sequence[Origin | None]:
        """For each window of these units its origin, None where no dataset holds it."""


class TextFile(NamedTuple):
    """A file of a dataset."""

    asset_id: int
    path: str
    content: bytes


class Scan:
    """Finds windows by reading every text from the start: slow, and with nothing to believe but the texts."""

    def __init__(self, files: Iterable[TextFile], method: Method) -> None:
        """Take files in the order of seniority: assetId, then path. They are gone through once for each answer text."""
        self._files = files
        self._method = method

    def first(self, units: Sequence[str], windows: Sequence[Window]) -> Sequence[Origin | None]:
        """For each window of these units its origin, None where no dataset holds it."""
        wanted: dict[str, set[tuple[str, ...]]] = {}
        for start, length in windows:
            wanted.setdefault(units[start], set()).add(tuple(units[start : start + length]))
        origins: dict[tuple[str, ...], Origin] = {}
        for file in self._files if wanted else ():
            for run, offset in self._occurrences(file, wanted):
                origins.setdefault(run, Origin(file.asset_id, file.path, offset))
                wanted[run[0]].discard(run)
        return [origins.get(tuple(units[start : start + length])) for start, length in windows]

    def _occurrences(
        self, file: TextFile, wanted: dict[str, set[tuple[str, ...]]]
    ) -> Iterator[tuple[tuple[str, ...], int]]:
        words = self._method.folding.units(decoded(text_bytes(file.content, file.path)))
        found = [
            (run, at)
            for at, word in enumerate(words)
            for run in wanted.get(word, ())
            if tuple(words[at : at + len(run)]) == run
        ]
        placed = placed_in_file(self._method.folding, file.content, file.path) if found else []
        for run, at in found:
            if self._is_near(placed[at], placed[at + len(run) - 1]):
                yield run, placed[at].start

    def _is_near(self, first: PlacedUnit, last: PlacedUnit) -> bool:
        return last.end - first.start <= self._method.parameters.window_bytes


def placed_in_file(folding: Folding, content: bytes, path: str) -> list[PlacedUnit]:
    """The units of a file, each with its place in bytes."""
    text = decoded(text_bytes(content, path))
    placed = folding.placed_units(text)
    if len(text) == len(content):
        return placed
    before = [0, *accumulate(map(_bytes_of, text))]
    return [PlacedUnit(unit, before[start], before[end]) for unit, start, end in placed]


def _bytes_of(character: str) -> int:
    """Length in the file: UTF-8, but one for a byte that was none."""
    return 1 if "\ud800" <= character <= "\udfff" else len(character.encode())
