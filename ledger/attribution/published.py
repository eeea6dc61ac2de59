"""Published assets: folders whose content is what the registry says, whoever handed them over."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ledger.errors import MalformedInputError
from ledger.protocol.attribution.finding import TextFile
from ledger.protocol.attribution.prior import PRIOR_FILE, PriorFile, parse_prior
from ledger.protocol.content import ContentFile, content_hash


@dataclass(frozen=True, slots=True)
class PublishedAsset:
    """A folder whose contentHash is registered."""

    folder: Path
    paths: tuple[str, ...]

    def files(self, asset_id: int) -> Iterator[TextFile]:
        """Its files as the function reads them."""
        for path in self.paths:
            yield TextFile(asset_id, path, (self.folder / path).read_bytes())

    def prior(self) -> PriorFile | None:
        """The prior that it commits to, if any.

        Raises:
            MalformedInputError: its prior.json is none.
        """
        return parse_prior((self.folder / PRIOR_FILE).read_bytes()) if PRIOR_FILE in self.paths else None


class Published(Protocol):
    """Whoever has assets by contentHash: a dictionary of them, or a folder."""

    def get(self, content_hash: bytes, /) -> PublishedAsset | None:
        """The asset of this content, if it is at hand."""


class PublishedFolder:
    """The assets in a folder, read again when one is missing and the files are others than before."""

    def __init__(self, folder: Path) -> None:
        """Read them.

        Raises:
            MalformedInputError: there is no such folder.
        """
        self._folder = folder
        self._seen = self._mark()
        self._found = read_published(folder)

    def get(self, content_hash: bytes, /) -> PublishedAsset | None:
        """The asset of this content, if it is at hand now."""
        if content_hash not in self._found and (mark := self._mark()) != self._seen:
            self._found, self._seen = read_published(self._folder), mark
        return self._found.get(content_hash)

    def _mark(self) -> frozenset[tuple[Path, int, int]]:
        """What is there, without reading it."""
        found = ((path, path.stat()) for path in self._folder.rglob("*") if path.is_file())
        return frozenset((path, stat.st_size, stat.st_mtime_ns) for path, stat in found)


def read_published(folder: Path, wanted: Collection[bytes] | None = None) -> Mapping[bytes, PublishedAsset]:
    """The assets among the folder and all folders below it, by contentHash; those wanted, or any.

    Raises:
        MalformedInputError: there is no such folder.
    """
    if not folder.is_dir():
        raise MalformedInputError(f"{folder} is not a folder of published assets.")
    found: dict[bytes, PublishedAsset] = {}
    for candidate in (folder, *sorted(path for path in folder.rglob("*") if path.is_dir())):
        files = [path for path in sorted(candidate.rglob("*")) if _counts(path, candidate)]
        if any(path.parent == candidate for path in files):
            digest = content_hash(_listed(path, candidate) for path in files)
            if wanted is None or digest in wanted:
                paths = tuple(path.relative_to(candidate).as_posix() for path in files)
                found.setdefault(digest, PublishedAsset(candidate, paths))
    return found


def _counts(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.is_file() and not path.is_symlink() and not hidden


def _listed(path: Path, folder: Path) -> ContentFile:
    content = path.read_bytes()
    return ContentFile(path.relative_to(folder).as_posix(), len(content), hashlib.sha256(content).digest())
