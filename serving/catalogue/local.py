"""Models as they lie on this machine's disk, or as an operator declares them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from ledger.chain.structs import Kind
from ledger.errors import CheckpointError, MalformedInputError
from ledger.protocol.attribution.prior import PRIOR_FILE, PriorFile, parse_prior
from ledger.protocol.content import content_hash
from serving.engine.engine import MAX_BASE_BYTES
from serving.engine.files import Folder, read_folder
from serving.engine.manifest import ShippedAsset, load_manifest

Identity: TypeAlias = Literal["verified", "declared"]
"""Whether the gateway's own engine loaded the very bytes that are registered, or another server is said to have."""
_KINDS = {"Model": Kind.MODEL, "Adapter": Kind.ADAPTER}


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A folder of weights, by the name that requests call it and by what is in it."""

    model_id: str
    kind: Kind
    path: Path | None
    """None where only another server has the files."""
    content_hash: bytes
    licence: str
    prior: PriorFile | None = None
    """Its committed prior, out of the very files that were digested."""
    base_id: str | None = None
    """Name of the model that an adapter is for."""
    identity: Identity = "verified"
    context_tokens: int | None = None
    """Prompt and answer together; None where the engine knows."""


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
    models = [_read_model(asset) for asset in load_manifest(folder) if asset.kind in _KINDS]
    if len({model.model_id for model in models}) != len(models):
        raise CheckpointError(f"Two models in {folder} have the same name.")
    bases = [model for model in models if model.kind is Kind.MODEL]
    if len(bases) != 1:
        raise CheckpointError(f"{folder} holds {len(bases)} base models; the embedded engine serves one.")
    adapters = (replace(m, base_id=bases[0].model_id) for m in models if m.kind is Kind.ADAPTER)
    return LocalModels(bases[0], tuple(adapters))


def _read_model(asset: ShippedAsset) -> LocalModel:
    folder = read_folder(asset.path, MAX_BASE_BYTES)
    return LocalModel(
        model_id=asset.model_id or asset.name,
        kind=_KINDS[asset.kind],
        path=asset.path,
        content_hash=content_hash(folder.listing()),
        licence=asset.licence,
        prior=_read_prior(folder),
    )


def _read_prior(folder: Folder) -> PriorFile | None:
    content = folder.contents.get(PRIOR_FILE)
    try:
        return None if content is None else parse_prior(content)
    except MalformedInputError as error:
        raise CheckpointError(f"{folder.path / PRIOR_FILE} can't be read: {error}.") from error
