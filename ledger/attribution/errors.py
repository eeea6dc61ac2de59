"""What can be wrong with a library of registered texts."""

from __future__ import annotations

from ledger.errors import PermanentError


class LibraryError(PermanentError):
    """A library of registered texts is missing, changed, or not what was registered."""
