"""Models as they lie on this machine's disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ledger.chain.structs import Kind
from ledger.errors import CheckpointError
from ledger.protocol.content import content_hash
from serving.engine.engine import MAX_BASE_BYTES
from serving.engine.files import read_folder
from serving.engine.manifest import load_manifest

_KINDS = {"Model": Kind.MODEL, "Adapter": Kind.ADAPTER}


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A folder of weights, by the name that requests call it and by what is in it."""

    model_id: str
    kind: Kind
    path: Path
    content_hash: bytes
    licence: str


@dataclass(frozen=True, slots=True)
class LocalModels:
    """One base and its adapters."""

    base: LocalModel
    adapters: tuple[LocalModel, ...]

    def all(self) -> tuple[LocalModel, ...]:
        """The base first."""
        return (self.base, *self.adapters)


def read_local_models(folder: Path) -> LocalModels:
    """The models that `manifest.json` in the folder names, each digested from its files.

    Raises:
        CheckpointError: the manifest or a folder can't be read, two models have one name, or there is not one base.
    """
    assets = [asset for asset in load_manifest(folder) if asset.kind in _KINDS]
    models = [
        LocalModel(
            model_id=asset.model_id or asset.name,
            kind=_KINDS[asset.kind],
            path=asset.path,
            content_hash=content_hash(read_folder(asset.path, MAX_BASE_BYTES).listing()),
            licence=asset.licence,
        )
        for asset in assets
    ]
    if len({model.model_id for model in models}) != len(models):
        raise CheckpointError(f"Two models in {folder} have the same name.")
    bases = [model for model in models if model.kind is Kind.MODEL]
    if len(bases) != 1:
        raise CheckpointError(f"{folder} holds {len(bases)} base models; the embedded engine serves one.")
    return LocalModels(bases[0], tuple(model for model in models if model.kind is Kind.ADAPTER))
