"""The catalogue: names to models, kept in step with the chain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ledger.chain.blocks import BlockRef
from ledger.errors import RpcUnavailableError, UnknownModelError
from serving.catalogue.local import LocalModel
from serving.catalogue.served import CatalogueEntry, PinnedModel
from serving.clock import Clock
from serving.onchain.reader import AssetFacts, ChainReader


class Catalogue:
    """Every model that is served, and what the chain says of it."""

    def __init__(
        self, models: Sequence[LocalModel], reader: ChainReader, clock: Clock, patience_seconds: float
    ) -> None:
        self._models = models
        self._reader = reader
        self._clock = clock
        self._patience_seconds = patience_seconds
        self._entries: dict[str, CatalogueEntry] = {}
        self._read_at = float("-inf")

    @property
    def age_seconds(self) -> float:
        """How long ago prices and terms were read."""
        return time.monotonic() - self._read_at

    async def refresh(self, latest: BlockRef) -> None:
        """Reads assets, terms and prices in a block.

        Changes are announced at least ten minutes ahead, so what was read stays certain for that long.
        """
        began = time.monotonic()
        facts = await asyncio.to_thread(self._read_facts, latest)
        asset_ids = {model_id: None if known is None else known.asset_id for model_id, known in facts.items()}
        self._entries = {
            model.model_id: CatalogueEntry(model, facts[model.model_id], asset_ids.get(model.base_id or ""))
            for model in self._models
        }
        self._read_at = began

    def pin(self, model_id: str) -> PinnedModel:
        """The model of this name, as it will serve one request.

        Raises:
            UnknownModelError: there is none, or it can't be served.
            RpcUnavailableError: prices were last read too long ago to be certain.
        """
        if self.age_seconds > self._patience_seconds:
            raise RpcUnavailableError("The L2 is out of reach, so the published prices are not certain.")
        return self.entry(model_id).pin(self._clock.now())

    def entry(self, model_id: str) -> CatalogueEntry:
        """The model of this name, servable or not.

        Raises:
            UnknownModelError: there is none.
        """
        entry = self._entries.get(model_id)
        if entry is None:
            raise UnknownModelError(f"The model `{model_id}` does not exist here; GET /v1/models lists those that do.")
        return entry

    def servable(self) -> list[CatalogueEntry]:
        """Models that can be asked for at present."""
        now = self._clock.now()
        return [entry for entry in self._entries.values() if entry.unservable(now) is None]

    def unservable(self) -> dict[str, str]:
        """The others, each with the reason."""
        now = self._clock.now()
        reasons = {name: entry.unservable(now) for name, entry in self._entries.items()}
        return {name: reason for name, reason in reasons.items() if reason is not None}

    def name_of(self, asset_id: int) -> str | None:
        """The name under which an asset is served here."""
        for name, entry in self._entries.items():
            if entry.facts is not None and entry.facts.asset_id == asset_id:
                return name
        return None

    def _read_facts(self, latest: BlockRef) -> dict[str, AssetFacts | None]:
        now = self._clock.now()

        def read(model: LocalModel) -> AssetFacts | None:
            return self._reader.asset_facts(model.content_hash, latest, now, model.prior)

        return {model.model_id: read(model) for model in self._models}
