"""What the registry on L2 says of datasets and terms."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.chain_id import served_chain_id
from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.chain.structs import AttributionMode, Kind
from ledger.errors import ContractRevertedError, NotFoundError
from ledger.protocol.hexadecimal import to_hex

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.config import L2Settings

_PATIENCE_SECONDS = 10.0


class TermsInForce(NamedTuple):
    """What an asset's terms say of attribution at some time."""

    content_hash: bytes
    by_operator: bool
    admitted: frozenset[int]


class Registry:
    """Reads the registry at the newest block."""

    def __init__(self, registry: AttributionRegistry) -> None:
        self._registry = registry

    def dataset(self, content_hash: bytes) -> int:
        """AssetId of the dataset with this content.

        Raises:
            NotFoundError: nothing, or something else, is registered for it.
        """
        asset_id = self._registry.asset_id_of(content_hash, "latest")
        if not asset_id:
            raise NotFoundError(f"No asset is registered for the content {to_hex(content_hash)}.")
        if self._registry.kind_of(asset_id, "latest") != Kind.DATASET:
            raise NotFoundError(f"Asset {asset_id} is not a dataset.")
        return asset_id

    def asset_id(self, content_hash: bytes) -> int:
        """AssetId of this content, 0 if there is none."""
        return self._registry.asset_id_of(content_hash, "latest")

    def terms(self, asset_id: int, time: int) -> TermsInForce:
        """The terms of an asset at a time.

        Raises:
            NotFoundError: there is no such asset.
        """
        try:
            asset = self._registry.asset(asset_id, "latest")
            terms = self._registry.terms(asset_id, self._registry.terms_version_at(asset_id, time, "latest"), "latest")
        except ContractRevertedError as error:
            raise NotFoundError(f"There is no asset {asset_id}.") from error
        return TermsInForce(asset.content_hash, terms.mode == AttributionMode.OPERATOR, frozenset(terms.datasets))


@contextmanager
def opened(settings: L2Settings) -> Iterator[Registry]:
    """The registry of the L2 in the settings."""
    chain_id = served_chain_id(settings.l2_rpc_url, "L2")
    deployment = load_deployment(settings.deployments_dir, chain_id)
    rpc = RpcClient(settings.l2_rpc_url, chain_id, name="L2", patience_seconds=_PATIENCE_SECONDS)
    try:
        yield Registry(AttributionRegistry(rpc, deployment.l2.registry))
    finally:
        rpc.close()
