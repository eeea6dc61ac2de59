"""A gateway from its settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ledger.attribution.following import FollowedLibrary
from ledger.attribution.standard import standard_method
from ledger.chain.chain_id import served_chain_id
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.config import L2Settings
from ledger.errors import CheckpointError, SettingsError
from ledger.protocol.attribution import CorpusEntry
from ledger.protocol.content import content_hash
from serving.catalogue.local import LocalModel, read_local_models
from serving.engine.engine import Engine
from serving.engine.settings import EngineSettings
from serving.gateway import Gateway, Surroundings
from serving.inference.attribution import Attributor, TermsWeights
from serving.inference.embedded import EmbeddedEngine
from serving.inference.engine import AnswerEngine
from serving.inference.library import LibraryAttributor
from serving.onchain.reader import ChainReader
from serving.settings import ServingSettings
from serving.upstream.engine import UpstreamEngine
from serving.upstream.models import declared_models
from serving.upstream.settings import read_upstreams

_PATIENCE_SECONDS = 10.0
"""How long one question to the L2 may take over all its nodes: the follower asks again anyway."""


def chain_reader(settings: L2Settings, operator: bytes) -> ChainReader:
    """The contracts that the L2 nodes of the settings serve.

    Raises:
        RpcUnavailableError: no node answers.
        DeploymentMissingError: there is no deployment for the chain that they serve.
    """
    chain_id = served_chain_id(settings.l2_rpc_url, "L2")
    rpc = RpcClient(settings.l2_rpc_url, chain_id, name="L2", timeout_seconds=5.0, patience_seconds=_PATIENCE_SECONDS)
    return ChainReader(rpc, load_deployment(settings.deployments_dir, chain_id), operator)


def assemble(settings: ServingSettings, attributor: Attributor | None = None) -> Gateway:
    """The gateway over its engine, not yet started: other servers if the settings name any, else the embedded one.

    Raises:
        CheckpointError: the models can't be read.
        SettingsError: the file of upstreams is wrong.
        LibraryError, SettingsError: the library of datasets can't be read, or is of another chain.
        RpcUnavailableError, DeploymentMissingError: as `chain_reader`.
    """
    models, engine = _embedded(settings) if settings.upstreams is None else _upstream(settings.upstreams)
    reader = chain_reader(settings, settings.operator)
    try:
        attributor = attributor or _attributor(settings, reader)
    except BaseException:
        reader.rpc.close()
        raise
    return Gateway(settings, Surroundings(reader=reader, models=models, engine=engine, attributor=attributor))


def _embedded(settings: ServingSettings) -> tuple[tuple[LocalModel, ...], AnswerEngine]:
    models = read_local_models(settings.models_dir)
    engine_settings = EngineSettings(
        max_batch=settings.max_batch,
        max_waiting=settings.max_waiting,
        adapter_memory_bytes=settings.adapter_memory_bytes,
    )
    assert models.base.path is not None
    engine = Engine(models.base.path, engine_settings)
    if content_hash(engine.files) != models.base.content_hash:
        raise CheckpointError(f"The files in {models.base.path} changed while they were read; start again.")
    return models.all(), EmbeddedEngine(engine)


def _upstream(path: Path) -> tuple[tuple[LocalModel, ...], AnswerEngine]:
    file = read_upstreams(path)
    models = declared_models(file)
    return tuple(model.local for model in models), UpstreamEngine(path, file, models)


def _attributor(settings: ServingSettings, reader: ChainReader) -> Attributor:
    """By text over the library of the settings, whose datasets must be what the chain has under their assetIds."""
    if settings.attribution_dir is None:
        return TermsWeights()
    folder = settings.attribution_dir

    def check(datasets: Sequence[CorpusEntry]) -> None:
        unregistered = reader.not_registered({entry.asset_id: entry.content_hash for entry in datasets})
        if unregistered:
            raise SettingsError(
                f"The library in {folder} holds dataset {unregistered[0]}, which is not registered as that on this chain; "
                "build it again with `tributary attribution index`."
            )

    return LibraryAttributor(FollowedLibrary(folder, standard_method()), check)
