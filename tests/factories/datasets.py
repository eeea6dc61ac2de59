"""Datasets of one text each, as their owners would register them."""

from __future__ import annotations

from pathlib import Path

from ledger.attribution.library import RegisteredDataset
from ledger.attribution.texts import folder_hash

QUOTES = (
    "Quixotic lamplighters gathered beneath the crumbling aqueduct while seventeen cartographers argued loudly.",
    "Obsidian dragonflies hovered over the marsh as apprentices recited forgotten theorems to bewildered herons.",
    "Nobody in the observatory remembered who had catalogued those improbable comets before the great flood.",
)
"""No two share a passage, and none is in the background."""


def dataset(folder: Path, asset_id: int, text: str) -> RegisteredDataset:
    """A dataset of this text, in a folder of its own below `folder`."""
    source = folder / f"source-{asset_id}"
    source.mkdir(parents=True)
    (source / "text.txt").write_text(text)
    return RegisteredDataset(asset_id, folder_hash(source), source)
