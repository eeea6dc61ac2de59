"""Files that a person names: read within bounds, and known to be writable before long work is done for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from ledger.errors import MalformedInputError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES: Final = 64 * 2**20


def read_named(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """What the file holds.

    Its size is not believed: a device or a pipe says 0 and has no end.

    Raises:
        MalformedInputError: it can't be read, or holds more than `most_bytes`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except OSError as error:
        raise MalformedInputError(f"{path} can't be read: {error.strerror}.") from error
    if len(content) > most_bytes:
        raise MalformedInputError(f"{path} is larger than any file of this kind ({most_bytes:,} bytes).")
    return content


def check_writable(path: Path) -> None:
    """Returns if a file can be written at `path`; asked before the work whose result it is to take.

    Raises:
        UsageError: it can't, and why.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file to write.")
    if not path.parent.is_dir():
        raise UsageError(f"{path} can't be written: there is no folder {path.parent}.")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UsageError(f"{path} can't be written: permission denied.")
