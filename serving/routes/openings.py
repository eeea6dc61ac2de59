"""Consents of payers, and openings for attesters: docs/spec/draw.md."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ledger.errors import NotFoundError, ProtocolError
from ledger.protocol.consent import parse_consent
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.opening import Opening, asking_digest
from ledger.protocol.signature import recover
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS
from serving.errors import InvalidRequestError
from serving.gateway import Gateway
from serving.journal import store
from serving.routes.bodies import read_object

router = APIRouter(tags=["draw"])
_MOST_BYTES = 16_384
_TIME = re.compile("[0-9]{1,12}")


@router.post("/v1/consents", status_code=201)
async def give_consent(request: Request) -> Response:
    """Takes a payer's AuditConsent: `{"consent": {payer, operator, validFrom, validUntil}, "signature": "0x…"}`."""
    gateway: Gateway = request.app.state.gateway
    fields = await read_object(request, _MOST_BYTES)
    try:
        await gateway.consents.give(*parse_consent(fields))
    except ProtocolError as error:
        raise InvalidRequestError(f"The consent is not taken: {error}.", "consent") from error
    return JSONResponse({"object": "audit_consent"}, 201)


@router.get("/v1/openings/{lane}/{seq}")
async def opening(
    request: Request, lane: Annotated[int, Path(ge=0, le=65_535)], seq: Annotated[int, Path(ge=0, le=2**63 - 1)]
) -> dict[str, Any]:
    """Everything behind a receipt of a payer that consented, for an attester.

    It signs (EIP-191 personal_sign) `Tributary: opening of lane LANE seq SEQ at SECONDS` and sends the time as
    `x-signed-at` and the signature as `x-attester-signature`.
    """
    gateway: Gateway = request.app.state.gateway
    await _check_attester(gateway, request, lane, seq)
    async with gateway.database.connection() as connection:
        kept = await store.find_exchange(connection, gateway.settings.operator, lane, seq)
    if kept is None:
        raise NotFoundError("No exchange is kept for this receipt: its payer did not consent, or the draw is over.")
    issued, request_body, produced, parameters = kept
    return Opening(
        receipt=issued.signed.receipt,
        salt=issued.salt,
        request=request_body,
        produced=produced,
        entries=issued.attribution,
        parameters=parameters,
    ).to_json()


async def _check_attester(gateway: Gateway, request: Request, lane: int, seq: int) -> None:
    signed_at = request.headers.get("x-signed-at", "")
    if not _TIME.fullmatch(signed_at) or abs(gateway.clock.now() - int(signed_at)) > CLOCK_TOLERANCE_SECONDS:
        raise InvalidRequestError("x-signed-at must be the time now, in Unix seconds.")
    try:
        signature = from_hex(request.headers.get("x-attester-signature"), 65)
        signer = recover(asking_digest(lane, seq, int(signed_at)), signature)
    except ProtocolError as error:
        raise InvalidRequestError("x-attester-signature is no signature.") from error
    async with gateway.attester_checks:
        is_attester = await asyncio.to_thread(gateway.reader.is_attester, signer)
    if not is_attester:
        raise InvalidRequestError("x-attester-signature is not by an attester of this deployment.")
