"""`tributary attribution index`: folders of registered datasets into the library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn, TransferSpeedColumn

from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.attribution.texts import folder_hash, regular_files
from ledger.errors import UsageError
from tributary.attribution.registry import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ledger.config import L2Settings


def index(words: Sequence[str], folder: Path, lookup: Callable[[], L2Settings]) -> tuple[Library, list[int]]:
    """The library with the datasets added that it lacked, and their assetIds.

    Args:
        words: `PATH`, whose assetId is asked of the registry, or `ID=PATH`.
        folder: of the library; made if it is not there.
        lookup: settings of the L2, read only if a number has to be asked for.

    Raises:
        UsageError: a path is no folder.
        TributaryError: as the registry and the library have them.
    """
    datasets = _registered([_split(word) for word in words], lookup)
    method = standard_method()
    there = (folder / "library.json").exists()
    library = Library.open(folder, method) if there else Library.create(folder, method, BACKGROUND)
    held = {entry.asset_id: entry.content_hash for entry in library.corpus}
    for dataset in datasets:
        if held.get(dataset.asset_id, dataset.content_hash) != dataset.content_hash:
            raise UsageError(f"The library holds another text as dataset {dataset.asset_id}.")
    new = {dataset.asset_id: dataset for dataset in datasets if dataset.asset_id not in held}
    return (_added(library, list(new.values())) if new else library), sorted(new)


def _added(library: Library, datasets: Sequence[RegisteredDataset]) -> Library:
    columns = (TextColumn("indexing"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    total = sum(path.stat().st_size for dataset in datasets for path in regular_files(dataset.folder))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        return library.adding(datasets, lambda size: progress.advance(task, size))


def _split(word: str) -> tuple[int | None, Path]:
    number, separator, path = word.partition("=")
    if separator and number.isascii() and number.isdigit() and not Path(word).exists():
        asset_id, folder = int(number), Path(path)
    else:
        asset_id, folder = None, Path(word)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder of a dataset's files.")
    if asset_id == 0:
        raise UsageError("Registered assets have numbers from 1 on.")
    return asset_id, folder


def _registered(named: Sequence[tuple[int | None, Path]], lookup: Callable[[], L2Settings]) -> list[RegisteredDataset]:
    hashes = [folder_hash(folder) for _, folder in named]
    if all(asset_id is not None for asset_id, _ in named):
        return [RegisteredDataset(a, h, f) for (a, f), h in zip(named, hashes, strict=True) if a is not None]
    with opened(lookup()) as registry:
        return [
            RegisteredDataset(registry.dataset(digest) if asset_id is None else asset_id, digest, folder)
            for (asset_id, folder), digest in zip(named, hashes, strict=True)
        ]
