"""The shipped models, adapters and datasets as assets: who owns each, on what terms."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ledger.chain.structs import Kind
from ledger.config import CHECKOUT
from ledger.errors import MalformedInputError
from ledger.protocol.content import ContentFile, content_hash
from tributary.demo import cast

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from tributary.demo.cast import Actor, AssetTerms

MODELS = CHECKOUT / "models"
_KINDS = {"Model": Kind.MODEL, "Adapter": Kind.ADAPTER, "Dataset": Kind.DATASET}


@dataclass(frozen=True, slots=True)
class CatalogueAsset:
    """A shipped asset. `model_id` is what a request's `model` says, empty for a dataset."""

    name: str
    kind: Kind
    model_id: str
    content_hash: bytes
    uri: str
    folder: Path
    terms: AssetTerms
    owner: Actor


def load_catalogue(models: Path = MODELS) -> list[CatalogueAsset]:
    """Every asset of the manifest, its content hash computed from the files as they are.

    Raises:
        MalformedInputError: the manifest is missing, or a file is not what it says.
    """
    try:
        manifest = json.loads((models / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise MalformedInputError(f"{models / 'manifest.json'} is not a readable manifest.") from error
    datasets = [entry["name"] for entry in manifest["assets"] if entry["kind"] == "Dataset"]
    return [_asset(entry, models, datasets) for entry in manifest["assets"]]


def _asset(entry: Mapping[str, Any], models: Path, datasets: list[str]) -> CatalogueAsset:
    terms = _terms(entry, models, datasets)
    return CatalogueAsset(
        name=entry["name"],
        kind=_KINDS[entry["kind"]],
        model_id=entry.get("model_id") or "",
        content_hash=content_hash(_file(models / entry["path"], listed) for listed in entry["files"]),
        uri=f"models/{entry['path']}",
        folder=models / entry["path"],
        terms=terms,
        owner=terms.split[0][0],
    )


def _file(folder: Path, listed: Mapping[str, Any]) -> ContentFile:
    content = (folder / listed["path"]).read_bytes()
    digest = hashlib.sha256(content).digest()
    if digest.hex() != listed["sha256"]:
        raise MalformedInputError(f"{folder / listed['path']} is not the file that the manifest lists.")
    return ContentFile(listed["path"], len(content), digest)


def _terms(entry: Mapping[str, Any], models: Path, datasets: list[str]) -> AssetTerms:
    if entry["name"] == cast.DATANET:
        return cast.datanet_terms(entry["name"], _pages((models / entry["path"] / "text.txt").read_bytes()))
    if entry["kind"] == "Dataset":
        return cast.dataset_terms(entry["name"])
    if entry["kind"] == "Model":
        return cast.base_terms(entry.get("datasets") or datasets)
    return cast.adapter_terms(entry["name"], entry["parent"], entry["datasets"])


def _pages(text: bytes) -> list[int]:
    """Bytes of each of the pages that a text is cut into, at line ends."""
    lines = text.splitlines(keepends=True)
    edges = [len(lines) * n // cast.PAGES for n in range(cast.PAGES + 1)]
    return [sum(map(len, lines[a:b])) for a, b in pairwise(edges)]
