"""A library that is followed: what another program adds to it is taken up while this one runs."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from ledger.attribution.library import LIBRARY_FILE, Library

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.protocol.attribution import Method


class FollowedLibrary:
    """The library in a folder, opened anew whenever it has changed. Safe from several threads.

    A library is immutable, so whoever has got one goes on with it as long as it likes.
    """

    def __init__(self, folder: Path, method: Method) -> None:
        """Open it.

        Raises:
            LibraryError: none there, of another method, or changed.
        """
        self._folder, self._method = folder, method
        self._seen = self._mark()
        self._current = Library.open(folder, method)
        self._turn = Lock()

    @property
    def current(self) -> Library:
        """The library as it was when it was last looked at."""
        return self._current

    def look(self) -> Library:
        """The library as it is now, every text and shard checked: `current` itself while nothing changed.

        Raises:
            LibraryError: it changed and can't be opened; `current` stays what it was, and the next look tries again.
        """
        with self._turn:
            mark = self._mark()
            if mark is None or mark != self._seen:
                self._current = Library.open(self._folder, self._method)
                # Only now: what could not be opened is looked at again. What changed meanwhile has another mark.
                self._seen = mark
            return self._current

    def _mark(self) -> tuple[int, int, int] | None:
        """What changes with every change of the library: its description is never written over, only replaced."""
        try:
            found = (self._folder / LIBRARY_FILE).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
