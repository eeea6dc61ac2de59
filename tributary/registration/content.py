"""The content of a file or folder: what its contentHash covers, read in pieces, however large.

Source: docs/spec/content.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import UsageError
from ledger.protocol.content import ContentFile, content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Content:
    """What an asset is."""

    content_hash: bytes
    files: int
    size_bytes: int


def read_content(path: Path) -> Content:
    """The content of a folder, or of a file (which counts as a folder that holds it alone).

    Raises:
        UsageError: nothing is there, a file can't be read, or a symbolic link is among them.
    """
    try:
        files = [_digested(file, name) for file, name in _files(path)]
    except OSError as error:
        raise UsageError(f"{error.filename or path} can't be read: {error.strerror}.") from error
    if not files:
        raise UsageError(f"{path} holds no files (hidden ones don't count), so there is nothing to register.")
    return Content(content_hash(files), len(files), sum(file.size_bytes for file in files))


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """(file, its name in the listing)."""
    if not path.exists():
        raise UsageError(f"There is no file or folder {path}.")
    if path.is_file():
        yield path, path.name
        return
    for entry in sorted(path.rglob("*")):
        relative = entry.relative_to(path)
        if any(part.startswith(".") for part in relative.parts):
            continue
        if entry.is_symlink():
            raise UsageError(f"{entry} is a symbolic link; an asset's content is its own files.")
        if entry.is_file():
            yield entry, relative.as_posix()


def _digested(file: Path, name: str) -> ContentFile:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").digest()
        return ContentFile(name, content.tell(), digest)
