"""A folder of weights read once, so that the bytes that are digested are the bytes that are used."""

import hashlib
from collections.abc import Mapping
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
    """Every regular file below `path`, read once.

    Raises:
        CheckpointError: not a folder, not readable, or larger than `max_bytes`.
    """
    if not path.is_dir():
        raise CheckpointError(f"{path} is not a folder of weights.")
    try:
        files = sorted(file for file in path.rglob("*") if file.is_file())
        if sum(file.stat().st_size for file in files) > max_bytes:
            raise CheckpointError(f"{path} holds more than the {max_bytes:,} bytes that may be loaded.")
        return Folder(path, {file.relative_to(path).as_posix(): file.read_bytes() for file in files})
    except OSError as error:
        raise CheckpointError(f"{path} could not be read: {error.strerror}.") from error
