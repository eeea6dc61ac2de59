"""Texts of registered datasets as a library keeps them: each dataset's files end to end, and their listing.

A copy is used only after its bytes have been checked against the contentHash that is on chain.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from ledger.attribution.errors import LibraryError
from ledger.protocol.attribution import TextFile
from ledger.protocol.content import ContentFile, content_hash

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_CHUNK_BYTES: Final = 1 << 20
MAX_DATASET_BYTES: Final = (1 << 32) - 1
"""Positions in a shard are 32 bits; a larger dataset is registered in parts."""


@dataclass(frozen=True)
class DatasetText:
    """A dataset's text, mapped into memory.

    Attributes:
        asset_id: its number in the registry; 0 for the background.
        content_hash: what its files hash to.
        files: in the order of their paths' bytes, end to end in `content`.
        content: all bytes.
    """

    asset_id: int
    content_hash: bytes
    files: tuple[ContentFile, ...]
    content: memoryview
    bounds: tuple[int, ...]

    @classmethod
    def open(cls, folder: Path, asset_id: int) -> DatasetText:
        """The text that a library keeps, unchecked.

        Raises:
            LibraryError: it is not there, or not of this form.
        """
        try:
            listing: dict[str, Any] = json.loads((folder / f"{asset_id}.json").read_text())
            files = tuple(
                ContentFile(file["path"], int(file["size"]), bytes.fromhex(file["sha256"])) for file in listing["files"]
            )
            content = _mapped(folder / f"{asset_id}.text")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LibraryError(f"The text of dataset {asset_id} can't be read: {error}.") from error
        bounds = (0, *accumulate(file.size_bytes for file in files))
        if bounds[-1] != len(content):
            raise LibraryError(f"The text of dataset {asset_id} has another size than its files.")
        return cls(asset_id, bytes.fromhex(listing["contentHash"]), files, content, bounds)

    def check(self) -> None:
        """Compare every byte with the contentHash.

        Raises:
            LibraryError: the text is not what was registered.
        """
        for number, file in enumerate(self.files):
            if hashlib.sha256(self.file_content(number)).digest() != file.sha256:
                raise LibraryError(f"{file.path} of dataset {self.asset_id} has been changed: build the library again.")
        if content_hash(self.files) != self.content_hash:
            raise LibraryError(f"The text of dataset {self.asset_id} is not the one that was registered.")

    def file_content(self, number: int) -> memoryview:
        """Bytes of one file."""
        return self.content[self.bounds[number] : self.bounds[number + 1]]

    def file_at(self, position: int) -> int:
        """Number of the file that holds the byte at `position`."""
        return bisect_right(self.bounds, position) - 1

    def text_files(self) -> Iterator[TextFile]:
        """The files, to be scanned."""
        for number, file in enumerate(self.files):
            yield TextFile(self.asset_id, file.path, bytes(self.file_content(number)))


def store(source: Path, folder: Path, asset_id: int, registered: bytes) -> None:
    """Copy a dataset's files into a library's folder.

    Args:
        source: folder of the files.
        folder: where the library keeps texts.
        asset_id: the dataset's number.
        registered: its contentHash on chain.

    Raises:
        LibraryError: the files are not what was registered, or too many.
    """
    paths = regular_files(source)
    # Never over a text that is there: programs that opened a library have its texts mapped into memory.
    text = folder / f"{asset_id}.text.part"
    with text.open("wb") as output:
        files = [_copied(path, path.relative_to(source).as_posix(), output) for path in paths]
    found = content_hash(files) if files else b""
    if found != registered:
        text.unlink()
        raise LibraryError(
            f"The files in {source} have the contentHash 0x{found.hex()}, but asset {asset_id} was registered with "
            f"0x{registered.hex()}."
        )
    if sum(file.size_bytes for file in files) > MAX_DATASET_BYTES:
        text.unlink()
        raise LibraryError(f"Dataset {asset_id} has more than 4 GiB; register it in parts.")
    rows = [{"path": file.path, "size": file.size_bytes, "sha256": file.sha256.hex()} for file in files]
    listing = {"contentHash": registered.hex(), "files": rows}
    text.replace(folder / f"{asset_id}.text")
    (folder / f"{asset_id}.json").write_text(json.dumps(listing, indent=1) + "\n")


def regular_files(source: Path) -> list[Path]:
    """The files that make a dataset's contentHash, hidden ones excepted, in the order of their paths' bytes.

    Raises:
        LibraryError: no folder, an empty one, or a symbolic link in it.
    """
    found = []
    for path in source.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(source).parts):
            continue
        if path.is_symlink():
            raise LibraryError(f"{path} is a symbolic link, which no registered content holds.")
        if path.is_file():
            found.append(path)
    if not found:
        raise LibraryError(f"There are no files in {source}.")
    try:
        return sorted(found, key=lambda path: path.relative_to(source).as_posix().encode())
    except UnicodeEncodeError as error:
        raise LibraryError(f"A file in {source} has a name that is not UTF-8.") from error


def folder_hash(source: Path) -> bytes:
    """ContentHash of a folder's files as they are now."""
    files = []
    for path in regular_files(source):
        with path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").digest()
        files.append(ContentFile(path.relative_to(source).as_posix(), path.stat().st_size, digest))
    return content_hash(files)


def _copied(path: Path, name: str, output: Any) -> ContentFile:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
            output.write(chunk)
            size += len(chunk)
    return ContentFile(name, size, digest.digest())


def _mapped(path: Path) -> memoryview:
    if not path.stat().st_size:
        return memoryview(b"")
    with path.open("rb") as content:
        return memoryview(mmap.mmap(content.fileno(), 0, access=mmap.ACCESS_READ))


def total_bytes(texts: Sequence[DatasetText]) -> int:
    """Bytes of several datasets."""
    return sum(len(text.content) for text in texts)
