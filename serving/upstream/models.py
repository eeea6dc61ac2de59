"""What the nodes serve: each model's name there, and the bounds of its answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from ledger.chain.structs import Kind
from ledger.errors import AdapterMismatchError, CheckpointError, SettingsError
from ledger.protocol.content import content_hash
from serving.catalogue.local import LocalModel, LocalModels, read_local_models
from serving.engine.engine import MAX_BASE_BYTES
from serving.engine.files import read_folder
from serving.upstream.settings import ModelSettings, UpstreamsFile

_DIGITS = 8
"""Hex digits of an adapter's contentHash in the name that it gets on a node."""


@dataclass(frozen=True, slots=True)
class UpstreamModel:
    """A model as nodes know it."""

    local: LocalModel
    name: str
    """What nodes call it. An adapter that the gateway loads is named by its content: a name is not an identity."""
    context_tokens: int
    max_output_tokens: int | None
    template_tokens: int
    hidden_tokens: bool
    adapter_path: str | None
    """Its folder as nodes see it, if it is loaded at run time."""

    def check_content(self) -> None:
        """Nothing, if the adapter's files, as far as this machine sees them, are the registered ones.

        Raises:
            AdapterMismatchError: they are others.
            CheckpointError: they can't be read.
        """
        path = self.local.path
        if path is None:
            return
        if content_hash(read_folder(path, MAX_BASE_BYTES).listing()) != self.local.content_hash:
            raise AdapterMismatchError(
                f"The files of {self.local.model_id} are not the registered content; it is not loaded."
            )


def declared_models(file: UpstreamsFile) -> tuple[UpstreamModel, ...]:
    """Every model of the file, bases first.

    Raises:
        SettingsError: two have one name, or an adapter's base is missing.
        CheckpointError: the models folder can't be read.
    """
    models = [_declared(one) for one in file.model]
    if file.models_dir is not None:
        models += _from_folder(file.models_dir, file.node_models_dir)
    ids = [one.local.model_id for one in models]
    if len(set(ids)) != len(ids):
        raise SettingsError("Two upstream models have the same name.")
    for one in models:
        if one.local.base_id is not None and one.local.base_id not in ids:
            raise SettingsError(f"{one.local.model_id} names the base {one.local.base_id}, which is not served.")
    return tuple(sorted(models, key=lambda one: one.local.kind != Kind.MODEL))


def _declared(one: ModelSettings) -> UpstreamModel:
    local = LocalModel(
        model_id=one.id,
        kind=Kind.ADAPTER if one.kind == "adapter" else Kind.MODEL,
        path=one.local_path,
        content_hash=one.content_hash,
        licence=one.licence,
        base_id=one.base,
        identity="declared",
        context_tokens=one.context_tokens,
    )
    return UpstreamModel(
        local=local,
        name=one.upstream_model or _name(local, one.adapter_path),
        context_tokens=one.context_tokens,
        max_output_tokens=one.max_output_tokens,
        template_tokens=one.template_tokens,
        hidden_tokens=one.hidden_tokens,
        adapter_path=one.adapter_path,
    )


def _from_folder(folder: Path, seen_as: str | None) -> list[UpstreamModel]:
    models = read_local_models(folder)
    context = _context_tokens(models)
    return [_shipped(model, folder, seen_as, context) for model in models.all()]


def _shipped(model: LocalModel, folder: Path, seen_as: str | None, context: int) -> UpstreamModel:
    assert model.path is not None
    loaded = model.kind is Kind.ADAPTER and seen_as is not None
    path = f"{seen_as}/{model.path.relative_to(folder).as_posix()}" if loaded else None
    local = replace(model, identity="declared", context_tokens=context)
    return UpstreamModel(local, _name(local, path), context, None, 512, hidden_tokens=False, adapter_path=path)


def _name(local: LocalModel, adapter_path: str | None) -> str:
    return local.model_id if adapter_path is None else f"{local.model_id}@{local.content_hash.hex()[:_DIGITS]}"


def _context_tokens(models: LocalModels) -> int:
    assert models.base.path is not None
    file = models.base.path / "config.json"
    try:
        return int(json.loads(file.read_text())["max_position_embeddings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{file} does not say how long the model's context is.") from error
