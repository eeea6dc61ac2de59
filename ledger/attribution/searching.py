"""Going through the shards of an index for the origins of an answer's windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ledger.protocol.attribution import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.attribution.hashing import U64
    from ledger.attribution.matching import Found, Matcher
    from ledger.attribution.shards import Shard
    from ledger.attribution.texts import DatasetText
    from ledger.protocol.attribution import Window


class Search:
    """The search of one answer text; `origins` are the earliest found so far."""

    def __init__(self, windows: Sequence[Window], matcher: Matcher, texts: Mapping[int, DatasetText]) -> None:
        self.origins: list[Origin | None] = [None] * len(windows)
        self._windows, self._matcher, self._texts = windows, matcher, texts

    def through(self, shard: Shard, hashes: U64) -> None:
        """Look in a shard for the windows that may have an earlier origin there."""
        at, likely = shard.candidates(hashes)
        numbers = np.flatnonzero(likely)
        words = at[numbers].tolist()
        places = shard.first_places(at[numbers])
        found: Found | None = None
        asset_id, path, base = -1, "", 0
        for number, word, place in zip(numbers.tolist(), words, places, strict=True):
            window, known = self._windows[number], self.origins[number]
            if known is not None and known.asset_id <= shard.asset_ids[0]:
                continue
            # Words that follow each other in the answer mostly do so in the text, and were compared there already.
            if found is None or not found.window_at(window, place - base, self._matcher.most_bytes):
                found, asset_id, base = self._first(shard, word, window)
                if found is None:
                    continue
                path = self._texts[asset_id].files[found.file].path
            if known is None or asset_id < known.asset_id:
                self.origins[number] = Origin(asset_id, path, found.offset_of(window))

    def _first(self, shard: Shard, word: int, window: Window) -> tuple[Found | None, int, int]:
        """Where the window stands first in the shard: the comparison, the dataset, and the place of the file."""
        for place in shard.places(word):
            asset_id, position = shard.dataset_at(place)
            text = self._texts[asset_id]
            found = self._matcher.found(text, position, window)
            if found is not None:
                return found, asset_id, place - position + text.bounds[found.file]
        return None, -1, 0
