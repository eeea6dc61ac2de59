"""A library: the texts of registered datasets, checked against their contentHashes, and an index over them.

    library.json          the method's parameters, the key's seed, the shards and their checksums
    texts/<assetId>.text  a dataset's files end to end; .json: their names, sizes and digests
    shards/<name>         the index of some datasets

Datasets are added without touching what is there; small shards are merged as they come, each word about as often as the
library doubles. `library.json` is replaced last, by a rename: an interrupted addition leaves the library as it was.
"""

from __future__ import annotations

import fcntl
import json
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from ledger.attribution import shards
from ledger.attribution.errors import LibraryError
from ledger.attribution.hashing import HashKey
from ledger.attribution.matching import Matcher
from ledger.attribution.reading import Reader
from ledger.attribution.searching import Search
from ledger.attribution.shards import Shard
from ledger.attribution.texts import MAX_DATASET_BYTES, DatasetText, store
from ledger.protocol.attribution import CorpusEntry, Method, params_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from ledger.attribution.hashing import U64
    from ledger.protocol.attribution import Origin, TextFile, Window

FORMAT: Final = "tributary library 1"
LIBRARY_FILE: Final = "library.json"
"""Replaced, never written over, when a library changes."""
_SEED_BYTES: Final = 32


class RegisteredDataset(NamedTuple):
    """A dataset to be added: its number and contentHash in the registry, and the folder of its files."""

    asset_id: int
    content_hash: bytes
    folder: Path


@dataclass(frozen=True)
class Library:
    """An opened library. Reading it is safe from several threads.

    Attributes:
        folder: where it is.
        method: the function whose windows are indexed.
        texts: by assetId; 0 is the background.
        shards: by their first assetId.
        seed: of the key.
    """

    folder: Path
    method: Method
    texts: dict[int, DatasetText]
    shards: tuple[Shard, ...]
    seed: bytes
    reader: Reader
    key: HashKey

    @classmethod
    def create(cls, folder: Path, method: Method, background: Path) -> Library:
        """A library of the background alone, in a folder that has none yet.

        Raises:
            LibraryError: there is one already, or the background is not the one that the parameters name.
        """
        if (folder / LIBRARY_FILE).exists():
            raise LibraryError(f"There is a library in {folder} already.")
        (folder / "texts").mkdir(parents=True, exist_ok=True)
        (folder / "shards").mkdir(exist_ok=True)
        seed = secrets.token_bytes(_SEED_BYTES)
        empty = cls(folder, method, {}, (), seed, *_reading(method, seed))
        return empty.adding([RegisteredDataset(0, method.parameters.background, background)])

    @classmethod
    def open(cls, folder: Path, method: Method) -> Library:
        """The library in a folder, its texts checked against their contentHashes and its shards against checksums.

        Raises:
            LibraryError: none there, of another method, or changed.
        """
        while True:
            described = _description(folder)
            try:
                return cls._opened(folder, method, described)
            except LibraryError:
                # Merged by an addition that ended meanwhile: what that one describes is there.
                if _description(folder) == described:
                    raise

    @classmethod
    def _opened(cls, folder: Path, method: Method, description: str) -> Library:
        try:
            stored: dict[str, Any] = json.loads(description)
            if stored["format"] != FORMAT or stored["parameters"] != params_hash(method.parameters, ()).hex():
                raise LibraryError(
                    f"The library in {folder} was built for another version of the method: build it again."
                )
            seed = bytes.fromhex(stored["seed"])
            described = [(each["file"], each["assetIds"], bytes.fromhex(each["checksum"])) for each in stored["shards"]]
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryError(f"The library in {folder} can't be read: build it again.") from error
        texts = {a: DatasetText.open(folder / "texts", a) for _, asset_ids, _ in described for a in asset_ids}
        for text in texts.values():
            text.check()
        if 0 not in texts or texts[0].content_hash != method.parameters.background:
            raise LibraryError(f"The library in {folder} has another background than the method.")
        opened = tuple(
            shards.load(folder / "shards" / file, asset_ids, [len(texts[a].content) for a in asset_ids], checksum)
            for file, asset_ids, checksum in described
        )
        return cls(folder, method, texts, opened, seed, *_reading(method, seed))

    @property
    def corpus(self) -> tuple[CorpusEntry, ...]:
        """The registered datasets that it holds, ascending: what `params_hash` commits to."""
        return tuple(CorpusEntry(a, self.texts[a].content_hash) for a in sorted(self.texts) if a)

    def files(self) -> Iterator[TextFile]:
        """Every file in the order of seniority, to be scanned without the index."""
        for asset_id in sorted(self.texts):
            yield from self.texts[asset_id].text_files()

    def first(self, units: Sequence[str], windows: Sequence[Window]) -> Sequence[Origin | None]:
        """For each window of these units its origin, None where no dataset holds it."""
        if not windows:
            return []
        hashes = self._hashes(units, windows)
        search = Search(windows, Matcher(units, self.method, self.reader.ascii_fold, self.reader.odd), self.texts)
        for shard in self.shards:
            search.through(shard, hashes)
        return search.origins

    def _hashes(self, units: Sequence[str], windows: Sequence[Window]) -> U64:
        lengths = np.array([len(unit) for unit in units], np.int64)
        starts = np.cumsum(lengths) - lengths
        text = np.frombuffer("".join(units).encode("utf-32-le"), "<u4")
        placed = np.array(windows, np.int64)
        return self.key.windows(self.key.units(text, starts, starts + lengths), placed[:, 0], placed[:, 1])

    def adding(
        self, datasets: Sequence[RegisteredDataset], progress: Callable[[int], None] = lambda _: None
    ) -> Library:
        """The library with these datasets too.

        Args:
            datasets: in any order; none of them in the library yet.
            progress: told the bytes of each file that has been read.

        Raises:
            LibraryError: files are not what was registered, or a dataset is there already.
        """
        with _alone(self.folder):
            self._check_current()
            return self._adding(datasets, progress)

    def _adding(self, datasets: Sequence[RegisteredDataset], progress: Callable[[int], None]) -> Library:
        added: dict[int, DatasetText] = {}
        for dataset in sorted(datasets):
            if dataset.asset_id in self.texts or dataset.asset_id in added:
                raise LibraryError(f"Dataset {dataset.asset_id} is in the library already.")
            store(dataset.folder, self.folder / "texts", dataset.asset_id, dataset.content_hash)
            added[dataset.asset_id] = DatasetText.open(self.folder / "texts", dataset.asset_id)
        made = [self._shard(group, progress) for group in _groups(list(added.values()))]
        self._write(_compacted([*self.shards, *made]))
        return Library.open(self.folder, self.method)

    def _check_current(self) -> None:
        """Refuse to write over what somebody else has added since this was opened."""
        file = self.folder / LIBRARY_FILE
        stored = json.loads(file.read_text())["shards"] if file.exists() else []
        if [each["checksum"] for each in stored] != [shard.checksum.hex() for shard in self.shards]:
            raise LibraryError(f"The library in {self.folder} was added to meanwhile: run it again.")

    def _shard(self, texts: Sequence[DatasetText], progress: Callable[[int], None]) -> Shard:
        words = shards.build(texts, self.reader, self.key, self.method.parameters, progress)
        sizes = tuple(len(text.content) for text in texts)
        return Shard(tuple(text.asset_id for text in texts), sizes, words, b"")

    def _write(self, kept: Sequence[Shard]) -> None:
        """Store the shards that are new, then say so in one step, then drop what is no longer named."""
        folder, names = self.folder / "shards", []
        stored = {shard.checksum: self._name(shard) for shard in self.shards}
        for shard in kept:
            name = stored.get(shard.checksum) or f"{shard.asset_ids[0]}-{shard.asset_ids[-1]}-{secrets.token_hex(4)}"
            digest = shard.checksum or shards.write(folder / name, shard.words)
            names.append({"file": name, "assetIds": list(shard.asset_ids), "checksum": digest.hex()})
        described = {
            "format": FORMAT,
            "parameters": params_hash(self.method.parameters, ()).hex(),
            "seed": self.seed.hex(),
            "shards": names,
        }
        part = self.folder / "library.json.part"
        part.write_text(json.dumps(described, indent=1) + "\n")
        part.replace(self.folder / LIBRARY_FILE)
        for file in folder.iterdir():
            if file.name not in {entry["file"] for entry in names}:
                file.unlink()

    def _name(self, shard: Shard) -> str:
        described = json.loads((self.folder / LIBRARY_FILE).read_text())["shards"]
        return next(str(each["file"]) for each in described if each["checksum"] == shard.checksum.hex())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the library's lock; the system lets go of it when a program dies."""
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LibraryError(f"Another program is adding to the library in {folder}.") from error
        yield


def _description(folder: Path) -> str:
    try:
        return (folder / LIBRARY_FILE).read_text()
    except OSError as error:
        raise LibraryError(f"There is no library in {folder}: `tributary attribution index` makes one.") from error


@lru_cache(maxsize=4)
def _reading(method: Method, seed: bytes) -> tuple[Reader, HashKey]:
    key = HashKey(seed)
    return Reader(method, key), key


def _groups(texts: Sequence[DatasetText]) -> Iterator[list[DatasetText]]:
    """Runs of datasets of a shard's size together."""
    group: list[DatasetText] = []
    for text in texts:
        if group and sum(len(each.content) for each in group) + len(text.content) > shards.SHARD_BYTES:
            yield group
            group = []
        group.append(text)
    if group:
        yield group


def _compacted(each: Sequence[Shard]) -> list[Shard]:
    """The shards by their first assetId; neighbours merged where the later one is at least half as large."""
    kept: list[Shard] = []
    for shard in sorted(each, key=lambda shard: shard.asset_ids[0]):
        kept.append(shard)
        while len(kept) > 1 and _belong_together(kept[-2], kept[-1]):
            second, first = kept.pop(), kept.pop()
            words = shards.merged(first, second)
            kept.append(Shard(first.asset_ids + second.asset_ids, first.sizes + second.sizes, words, b""))
    return kept


def _belong_together(first: Shard, second: Shard) -> bool:
    sizes = sum(first.sizes), sum(second.sizes)
    return (
        first.asset_ids[-1] < second.asset_ids[0]
        and sizes[0] <= 2 * sizes[1]
        and sum(sizes) <= min(shards.SHARD_BYTES, MAX_DATASET_BYTES)
    )
