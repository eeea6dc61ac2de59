"""Texts as registered datasets, in the order in which they are given."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ledger.attribution.library import RegisteredDataset
from ledger.protocol.content import ContentFile, content_hash

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def registered(folder: Path, texts: Sequence[str]) -> list[RegisteredDataset]:
    """A folder with a text.txt for each text; assetIds from 1."""
    made = []
    for asset_id, text in enumerate(texts, 1):
        content, own = text.encode(), folder / str(asset_id)
        own.mkdir(parents=True)
        (own / "text.txt").write_bytes(content)
        listed = ContentFile("text.txt", len(content), hashlib.sha256(content).digest())
        made.append(RegisteredDataset(asset_id, content_hash([listed]), own))
    return made
