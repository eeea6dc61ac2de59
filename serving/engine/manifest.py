"""The shipped models as models/manifest.json lists them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ledger.errors import CheckpointError, MalformedInputError
from ledger.named_files import read_named
from ledger.protocol.content import ContentFile, content_hash

MANIFEST_FILE = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class ShippedAsset:
    """One model, adapter or dataset, ready to be registered.

    Attributes:
        name: unique among the shipped assets.
        kind: Model, Adapter or Dataset.
        model_id: what a request's `model` field says; None for a dataset.
        path: its folder.
        parent: the base's name; adapters only.
        datasets: names of the datasets that it was trained on.
        licence: SPDX identifier.
        files: every file of the folder as it was shipped.
    """

    name: str
    kind: str
    model_id: str | None
    path: Path
    parent: str | None
    datasets: tuple[str, ...]
    licence: str
    files: tuple[ContentFile, ...]

    @property
    def content_hash(self) -> bytes:
        """The 32 bytes under which the asset is registered."""
        return content_hash(self.files)


def load_manifest(models_path: Path) -> tuple[ShippedAsset, ...]:
    """The shipped assets in the order in which they can be registered: parents and datasets before who uses them.

    Raises:
        CheckpointError: no manifest there, or not one of this format.
    """
    file = models_path / MANIFEST_FILE
    try:
        manifest = from_json(read_named(file))
        if manifest["format"] != FORMAT:
            raise CheckpointError(f"{file} is of format {manifest['format']}, and {FORMAT} is understood.")
        return tuple(_asset(models_path, entry) for entry in manifest["assets"])
    except MalformedInputError as error:
        raise CheckpointError(str(error)) from error
    except KeyError as error:
        raise CheckpointError(f"{file} is not a manifest of shipped models: it lacks {error}.") from error
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{file} is not a manifest of shipped models: {error}.") from error


def _asset(models_path: Path, entry: dict[str, Any]) -> ShippedAsset:
    return ShippedAsset(
        name=entry["name"],
        kind=entry["kind"],
        model_id=entry["model_id"],
        path=models_path / entry["path"],
        parent=entry["parent"],
        datasets=tuple(entry["datasets"]),
        licence=entry["licence"],
        files=tuple(ContentFile(file["path"], file["size"], bytes.fromhex(file["sha256"])) for file in entry["files"]),
    )
