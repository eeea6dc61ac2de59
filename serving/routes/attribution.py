"""GET /v1/attribution: how this gateway makes attribution sets, for whoever wants to make them again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from ledger.errors import NotFoundError
from ledger.protocol.attribution import METHOD
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.keccak import keccak256
from serving.gateway import Gateway

router = APIRouter(tags=["attribution"])


@router.get("/v1/attribution")
async def attribution(request: Request) -> dict[str, Any]:
    """The method, and the listing of its parameters and of the datasets whose words it looks for.

    keccak256 of the listing is `attributionParamsHash` of the batches that hold the sets.
    """
    gateway: Gateway = request.app.state.gateway
    listing = gateway.attributor.parameters()
    if listing is None:
        raise NotFoundError("This gateway makes no attribution sets; the terms' weights apply.")
    return {"method": METHOD, "parametersHash": to_hex(keccak256(listing)), "parameters": listing.decode()}
