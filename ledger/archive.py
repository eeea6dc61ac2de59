"""The blob archive: blobs by versioned hash, past the days that beacon nodes keep them.

A blob is the file `<hash hex[2:4]>/<hash hex>.blob` of 131,072 bytes under the archive's address, so that anybody can
read it with nothing but a file system. It is checked against its hash whenever it is written or read: what a disk or an
object store answers is never trusted.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ledger.durable import flush
from ledger.errors import ArchiveUnavailableError, KzgError, SettingsError
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash

if TYPE_CHECKING:
    from collections.abc import Iterator


class BlobArchive:
    """Blobs under a folder or any address that fsspec understands (`s3://bucket/prefix`, `memory://name`)."""

    def __init__(self, address: str | Path) -> None:
        """Take an address; nothing is asked of it yet.

        Raises:
            SettingsError: there is no store of that kind, the package that speaks to it is not installed, or a file is
            in the folder's place.
        """
        try:
            filesystem, root = fsspec.core.url_to_fs(str(address))
        except (ImportError, ValueError) as error:
            raise SettingsError(f"The blob archive {address} can not be used: {error}.") from error
        if isinstance(filesystem, LocalFileSystem) and Path(root).exists() and not Path(root).is_dir():
            raise SettingsError(f"The blob archive {address} can not be used: it is not a folder.")
        self._files: Any = filesystem
        self._root = str(root).rstrip("/")

    def path(self, blob_hash: bytes) -> str:
        """Where a blob stands, whether it is there or not."""
        name = blob_hash.hex()
        return f"{self._root}/{name[2:4]}/{name}.blob"

    def __contains__(self, blob_hash: bytes) -> bool:
        """Whether there is a file for the blob; only reading tells whether it is the blob."""
        return bool(self._files.exists(self.path(blob_hash)))

    def read(self, blob_hash: bytes) -> bytes | None:
        """The bytes that the archive holds under this hash, unchecked; None if there are none.

        Raises:
            ArchiveUnavailableError: the store does not answer.
        """
        try:
            return bytes(self._files.cat_file(self.path(blob_hash)))
        except FileNotFoundError:
            return None
        except Exception as error:  # each store's own library raises its own errors
            raise ArchiveUnavailableError(f"The blob archive at {self._root} can not be read: {error}.") from error

    def get(self, blob_hash: bytes) -> bytes | None:
        """The blob with this hash; None if the archive lacks it or holds other bytes in its place."""
        blob = self.read(blob_hash)
        return blob if blob is not None and blob_matches(blob, blob_hash) else None

    def put(self, blob_hash: bytes, blob: bytes) -> None:
        """Keep a blob, durably before it returns; an honest file that is there already stays.

        Raises:
            KzgError: the bytes are not the blob with this hash.
            ArchiveUnavailableError: the store does not take it.
        """
        if not blob_matches(blob, blob_hash):
            raise KzgError(f"The bytes are not the blob 0x{blob_hash.hex()}.")
        self.put_checked(blob_hash, blob)

    def put_checked(self, blob_hash: bytes, blob: bytes) -> None:
        """Keep a blob that the caller has just checked against its hash (a commitment costs 40 ms)."""
        path = self.path(blob_hash)
        try:
            if isinstance(self._files, LocalFileSystem):
                _write_durably(Path(path), blob)
            else:
                self._files.pipe_file(path, blob)
        except Exception as error:
            raise ArchiveUnavailableError(f"The blob archive at {self._root} can not be written: {error}.") from error

    def hashes(self) -> Iterator[bytes]:
        """The hashes under which files stand, in rising order."""
        names = sorted(str(path).rpartition("/")[2] for path in self._files.glob(f"{self._root}/*/*.blob"))
        for name in names:
            try:
                yield bytes.fromhex(name.removesuffix(".blob"))
            except ValueError:
                continue


def blob_matches(blob: bytes, blob_hash: bytes) -> bool:
    """Whether these bytes are the blob with this versioned hash; about 40 ms."""
    try:
        return versioned_hash(kzg_commitment(blob)) == blob_hash
    except KzgError:
        return False


def _write_durably(path: Path, blob: bytes) -> None:
    """Write beside the place and move into it, so that a crash leaves the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    flush(path.parent)  # and the new name
