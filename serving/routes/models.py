"""GET /v1/models and /v1/models/{id}: what can be asked for, what it is, and what it costs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from ledger.chain.structs import Kind
from ledger.errors import UnknownModelError
from ledger.protocol.hexadecimal import checksum_address, to_hex
from serving.catalogue.served import CatalogueEntry
from serving.gateway import Gateway

router = APIRouter(tags=["models"])


@router.get("/v1/models")
async def models(request: Request) -> dict[str, Any]:
    """Every model that can be asked for at present."""
    gateway: Gateway = request.app.state.gateway
    return {"object": "list", "data": [_model(gateway, entry) for entry in gateway.catalogue.servable()]}


@router.get("/v1/models/{model_id:path}")
async def model(request: Request, model_id: str) -> dict[str, Any]:
    """One model."""
    gateway: Gateway = request.app.state.gateway
    entry = gateway.catalogue.entry(model_id)
    reason = entry.unservable(gateway.clock.now())
    if reason is not None:
        raise UnknownModelError(f"The model `{model_id}` is not served: {reason}.")
    return _model(gateway, entry)


def _model(gateway: Gateway, entry: CatalogueEntry) -> dict[str, Any]:
    facts = entry.facts
    if facts is None:
        raise UnknownModelError(f"The model `{entry.local.model_id}` is not registered.")
    now = gateway.clock.now()
    price, rules = facts.prices.at(now), facts.rules.at(now)
    return {
        "id": entry.local.model_id,
        "object": "model",
        "created": facts.registered_at,
        "owned_by": checksum_address(facts.asset.owner),
        "kind": Kind(facts.asset.kind).name.lower(),
        "asset_id": facts.asset_id,
        "content_hash": to_hex(entry.local.content_hash),
        "identity": entry.local.identity,
        "parents": [
            {"asset_id": p.asset_id, "ppm": p.ppm, "model": gateway.catalogue.name_of(p.asset_id)}
            for p in rules.parents
        ],
        "terms_version": rules.version,
        "royalty_ppm": rules.royalty_ppm,
        "attribution_mode": rules.mode.name.lower(),
        "price": {
            "input_units_per_1000": str(price.input_units),
            "output_units_per_1000": str(price.output_units),
            "token": to_hex(gateway.reader.deployment.l2.token),
            "token_decimals": gateway.reader.deployment.token_decimals,
        },
        "price_changes": [
            {
                "effective_at": change.effective_at,
                "input_units_per_1000": str(change.value.input_units),
                "output_units_per_1000": str(change.value.output_units),
            }
            for change in facts.prices.changes
            if change.effective_at > now
        ],
        "operator": to_hex(gateway.settings.operator),
        "context_tokens": entry.local.context_tokens or gateway.engine.context_units,
        "licence": entry.local.licence,
    }
