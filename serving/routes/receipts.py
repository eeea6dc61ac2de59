"""GET /v1/receipts/{id}: a request's receipt, for the payer who paid it, with no time limit."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ledger.errors import NotFoundError
from ledger.protocol.request_id import ID_PREFIX
from serving.gateway import Gateway
from serving.journal import store

router = APIRouter(tags=["receipts"])
_ANSWER_PREFIXES = (ID_PREFIX, "chatcmpl-", "cmpl-", "embd-")


@router.get("/v1/receipts/{request_id}")
async def receipt(request: Request, request_id: str) -> Response:
    """The receipt's envelope and how the request ended; 202 while it is still being answered.

    The id is the answer's `x-request-id`, or the `id` in the answer itself.
    """
    gateway: Gateway = request.app.state.gateway
    holder = await gateway.keys.recognise(request.headers.get("authorization"))
    known_id = _normal(request_id)
    async with gateway.database.connection() as connection:
        # In this order: a request that ends in between is found as a receipt, the other way round as nothing.
        is_open = bool(await store.find_open(connection, [known_id]))
        issued = (await store.find_issued(connection, [known_id])).get(known_id)
    if issued is not None and issued.signed.receipt.payer == holder.payer:
        ended: dict[str, Any] = {
            "request_id": known_id,
            "status": "issued",
            "outcome": issued.outcome,
            "finish_reason": issued.finish_reason,
            "model": issued.model,
        }
        return JSONResponse(issued.envelope() | ended)
    if is_open:
        return JSONResponse({"request_id": known_id, "status": "open"}, 202, {"retry-after": "1"})
    raise NotFoundError(f"You have no request {request_id}.")


def _normal(request_id: str) -> str:
    for prefix in _ANSWER_PREFIXES:
        if request_id.startswith(prefix):
            return ID_PREFIX + request_id.removeprefix(prefix)
    return request_id
