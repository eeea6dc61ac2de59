"""Some of a library's datasets: those that a batch says its sets were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import NotFoundError
from ledger.protocol.attribution import Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.attribution.library import Library
    from ledger.protocol.attribution import CorpusEntry, Finder, Origin, Window


def finder_among(library: Library, corpus: Sequence[CorpusEntry]) -> Finder:
    """Who finds words among these datasets of a library, and its background.

    Args:
        library: with all of them, and perhaps more.
        corpus: a listing's datasets, ascending.

    Raises:
        NotFoundError: the library lacks one of them, or has another text for it.
    """
    held = library.corpus
    known = set(held)
    missing = [entry.asset_id for entry in corpus if entry not in known]
    if missing:
        raise NotFoundError(
            f"The operator matched dataset {missing[0]}, which the library lacks: add it with `tributary attribution index`."
        )
    if tuple(corpus) == held[: len(corpus)]:
        return library if len(corpus) == len(held) else _Earlier(library, corpus[-1].asset_id if corpus else 0)
    # The index knows first places only, and a dataset that is left out may stand before one that is not.
    wanted = {0, *(entry.asset_id for entry in corpus)}
    return Scan([file for file in library.files() if file.asset_id in wanted], library.method)


class _Earlier:
    """A library as it was before later datasets came: what stands first in one of those stands in no earlier one."""

    def __init__(self, library: Library, last: int) -> None:
        self._library, self._last = library, last

    def first(self, units: Sequence[str], windows: Sequence[Window]) -> Sequence[Origin | None]:
        origins = self._library.first(units, windows)
        return [None if origin is None or origin.asset_id > self._last else origin for origin in origins]
