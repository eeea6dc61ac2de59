"""A folder of weights read once, so that the bytes that are digested are the bytes that are used."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import CheckpointError
from ledger.protocol.content import ContentFile


@dataclass(frozen=True, slots=True)
class Folder:
    """The bytes of every file in a folder, by relative path."""

    path: Path
    contents: Mapping[str, bytes]

    def listing(self) -> tuple[ContentFile, ...]:
        """Path, size and SHA-256 of each file, in order of path."""
        return tuple(
            ContentFile(name, len(content), hashlib.sha256(content).digest())
            for name, content in sorted(self.contents.items())
        )

    def file(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            CheckpointError: the folder has no such file.
        """
        try:
            return self.contents[name]
        except KeyError:
            raise CheckpointError(f"{self.path} holds no {name}.") from None


def read_folder(path: Path, max_bytes: int) -> Folder:
    """Every regular file below `path`, hidden ones excepted, read once; the files that contentHash covers.

    Raises:
        CheckpointError: not a folder, not readable, larger than `max_bytes`, or a symbolic link in it.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path} is not a folder of weights.")
    try:
        files = sorted(_regular_files(path))
        if sum(file.stat().st_size for file in files) > max_bytes:
            raise CheckpointError(f"{path} holds more than the {max_bytes:,} bytes that may be loaded.")
        return Folder(path, {file.relative_to(path).as_posix(): file.read_bytes() for file in files})
    except OSError as error:
        raise CheckpointError(f"{path} could not be read: {error.strerror}.") from error


def _regular_files(path: Path) -> Iterator[Path]:
    for entry in path.rglob("*"):
        if any(part.startswith(".") for part in entry.relative_to(path).parts):
            continue
        if entry.is_symlink():
            raise CheckpointError(f"{entry} is a symbolic link; an asset's content is its own files.")
        if entry.is_file():
            yield entry
