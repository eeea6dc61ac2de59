"""GET /v1/attribution: how this gateway makes attribution sets, for whoever wants to make them again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from ledger.errors import NotFoundError, ProtocolError
from ledger.protocol.attribution import METHOD
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from serving.errors import InvalidRequestError
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
    return _stated(listing)


@router.get("/v1/attribution/{params_hash}")
async def attribution_by_hash(request: Request, params_hash: str) -> dict[str, Any]:
    """The same as it was when an answer's set was made: `attributionParamsHash` of its receipt's envelope says which.

    Listings are kept as long as this process runs.
    """
    gateway: Gateway = request.app.state.gateway
    try:
        listing = gateway.attributor.listing(from_hex(params_hash, 32))
    except ProtocolError as error:
        raise InvalidRequestError("The hash of a listing is 0x and 64 hex digits.") from error
    if listing is None:
        raise NotFoundError("This gateway has made no attribution sets by parameters of this hash since it began.")
    return _stated(listing)


def _stated(listing: bytes) -> dict[str, Any]:
    return {"method": METHOD, "parametersHash": to_hex(keccak256(listing)), "parameters": listing.decode()}
