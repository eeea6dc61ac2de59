"""The attributor over a library of registered datasets, which takes up what is added to it between two answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from ledger.attribution.following import FollowedLibrary
from ledger.attribution.library import Library
from ledger.errors import TributaryError
from ledger.protocol.attribution import CorpusEntry
from ledger.protocol.hexadecimal import to_hex
from serving.inference.attribution import AnsweredText, Attributed, TextAttributor

Check = Callable[[Sequence[CorpusEntry]], None]
_log = structlog.get_logger(__name__)


class LibraryAttributor:
    """Makes every set by the library as it is then.

    A batch_commitment names one listing of datasets, so the change is one point of the lane: answers that are looked
    through by the old library end before the first one is by the new.
    """

    def __init__(self, followed: FollowedLibrary, check: Check) -> None:
        """Take the library, and what raises for datasets that may not be used; that is asked here, later in threads.

        Raises:
            SettingsError, RpcUnavailableError: as `check` says of the library as it is.
        """
        self._followed, self._check = followed, check
        self._library = followed.current
        check(self._library.corpus)
        self._now = _over(self._library)
        self._listings = {self._now.made_by.params_hash: self._now.parameters}
        self._looking, self._refused = 0, ""
        self._idle, self._open = asyncio.Event(), asyncio.Event()
        self._open.set()

    async def attribute(self, answered: AnsweredText) -> Attributed:
        """The set of `docs/spec/attribution.md`, by the library as it is now."""
        while not self._open.is_set():
            await self._open.wait()
        self._looking += 1
        try:
            return await self._now.attribute(answered)
        finally:
            # The caller goes on to the journal without another wait, so what is set idle here has its place in the lane.
            self._looking -= 1
            if not self._looking:
                self._idle.set()

    def parameters(self) -> bytes | None:
        """The listing of what sets are made by now."""
        return self._now.parameters

    def listing(self, params_hash: bytes) -> bytes | None:
        """The listing of this hash, if sets were made by it since the gateway began."""
        return self._listings.get(params_hash)

    async def look(self) -> None:
        """Takes up the library as it is now."""
        try:
            library = await asyncio.to_thread(self._followed.look)
            if library is self._library:
                return
            known = set(self._library.corpus)
            await asyncio.to_thread(self._check, [entry for entry in library.corpus if entry not in known])
            fresh = await asyncio.to_thread(_over, library)
        except TributaryError as error:
            if str(error) != self._refused:  # said once, not at every look
                self._refused = str(error)
                _log.error("library_not_taken_up", reason=str(error))
            return
        await self._change(library, fresh)

    async def _change(self, library: Library, fresh: TextAttributor) -> None:
        self._open.clear()
        try:
            while self._looking:
                self._idle.clear()
                await self._idle.wait()
            self._library, self._now, self._refused = library, fresh, ""
            self._listings[fresh.made_by.params_hash] = fresh.parameters
        finally:
            self._open.set()
        _log.info("library_taken_up", datasets=len(library.corpus), params_hash=to_hex(fresh.made_by.params_hash))


def _over(library: Library) -> TextAttributor:
    return TextAttributor(library, library.corpus, library.method)
