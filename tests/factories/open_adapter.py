"""An adapter whose answers are attributed by their words."""

from __future__ import annotations

from ledger.chain.structs import Kind, Parent
from serving.catalogue.local import read_local_models
from tests.factories.serving_world import INPUT_PRICE, OUTPUT_PRICE, ServingWorld, register


def register_open_adapter(world: ServingWorld, mark: str) -> int:
    """An adapter whose terms leave it to the operator what it draws on, made another asset by this mark; its id."""
    (world.models / "adapters" / "austen" / "README.md").write_text(mark)
    austen = next(a for a in read_local_models(world.models).adapters if a.model_id == "quill:austen")
    parents = (Parent(world.asset_ids["quill"], 100_000),)
    asset_id = register(world.flow, austen.content_hash, Kind.ADAPTER, parents, mode=1)
    world.flow.send(world.flow.operators.set_price(asset_id, INPUT_PRICE, OUTPUT_PRICE))
    return asset_id
