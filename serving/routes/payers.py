"""Keys, authorizations and accounts: how a payer comes to be served, and what it has left."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ledger.errors import NotFoundError
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.hexadecimal import from_hex, to_hex
from serving.errors import InvalidRequestError
from serving.gateway import Gateway
from serving.payers.authorizations import SignedAuthorization
from serving.payers.snapshots import Snapshot
from serving.routes.bodies import read_object

router = APIRouter(tags=["payers"])
_MOST_BYTES = 16_384
_MOST_LABEL = 100
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["authorization", "signature"],
                    "properties": {
                        "authorization": {
                            "type": "object",
                            "description": "SpendAuthorization, EIP-712",
                            "required": ["payer", "operator", "cumulativeCap", "validUntil"],
                            "properties": {
                                "payer": {"type": "string"},
                                "operator": {"type": "string"},
                                "cumulativeCap": {"type": "string", "description": "base units, decimal"},
                                "validUntil": {"type": "integer", "description": "Unix seconds"},
                            },
                        },
                        "signature": {"type": "string", "description": "65 bytes, 0x hex"},
                        "label": {"type": "string"},
                    },
                }
            }
        },
    }
}


@router.get("/v1/operator")
async def operator(request: Request) -> dict[str, Any]:
    """What a payer needs in order to deposit and to sign: operator, contracts, EIP-712 domains, lane and its key."""
    gateway: Gateway = request.app.state.gateway
    l2 = gateway.reader.deployment.l2
    domain = {"name": "Tributary", "version": "1", "chainId": l2.chain_id}
    return {
        "operator": to_hex(gateway.settings.operator),
        "lane": gateway.settings.lane,
        "signer": to_hex(gateway.signer.address),
        "token": to_hex(l2.token),
        "operators": to_hex(l2.operators),
        "receipt_domain": domain | {"verifyingContract": to_hex(l2.ledger)},
        "authorization_domain": domain | {"verifyingContract": to_hex(l2.escrow)},
        "now": gateway.clock.now(),
    }


@router.post("/v1/keys", status_code=201, openapi_extra=_BODY)
async def issue_key(request: Request) -> Response:
    """An API key for the payer that signed; it is shown this once."""
    gateway: Gateway = request.app.state.gateway
    fields = await read_object(request, _MOST_BYTES)
    label = fields.get("label", "")
    if not isinstance(label, str) or len(label) > _MOST_LABEL:
        raise InvalidRequestError(f"label must be a string of at most {_MOST_LABEL} characters.", "label")
    key = await gateway.keys.issue(_signed(gateway, fields), label)
    shown = {"object": "api_key", "id": key.holder.key_id, "key": key.secret, "label": label}
    return JSONResponse(shown | _standing(key.holder.payer, key.snapshot), 201)


@router.post("/v1/authorizations", openapi_extra=_BODY)
async def raise_cap(request: Request) -> dict[str, Any]:
    """Raises the cap of a payer, by its signature alone."""
    gateway: Gateway = request.app.state.gateway
    signed = _signed(gateway, await read_object(request, _MOST_BYTES))
    snapshot = await gateway.authorizations.raise_cap(signed)
    return {"object": "spend_authorization"} | _standing(signed.authorization.payer, snapshot)


@router.get("/v1/account")
async def account(request: Request) -> dict[str, Any]:
    """The caller's account with this operator, as of a safe L2 block. Amounts are base units."""
    gateway: Gateway = request.app.state.gateway
    holder = await gateway.keys.recognise(request.headers.get("authorization"))
    await gateway.funds.look(holder.payer, older_than_seconds=2.0)
    funds = await gateway.funds.funds(holder.payer)
    if funds is None:
        raise NotFoundError("This payer has no account with the operator.")
    return {
        "object": "account",
        "payer": to_hex(holder.payer),
        "operator": to_hex(gateway.settings.operator),
        "key_id": holder.key_id,
        "balance_units": str(funds.balance_units),
        "thawing_units": str(funds.thawing_units),
        "debt_units": str(funds.debt_units),
        "collected_units": str(funds.collected_units),
        "uncollected_units": str(funds.uncollected_units),
        "held_units": str(funds.held_units),
        "spendable_units": str(max(0, funds.spendable_units)),
        "cap_units": str(funds.cap_units),
        "valid_until": funds.valid_until,
        "block_number": funds.block_number,
        "finality": "safe",
    }


@router.delete("/v1/keys/{key_id}")
async def revoke_key(request: Request, key_id: str) -> dict[str, Any]:
    """Revokes one of the caller's keys; `self` is the key that it calls with."""
    gateway: Gateway = request.app.state.gateway
    holder = await gateway.keys.recognise(request.headers.get("authorization"))
    chosen = holder.key_id if key_id == "self" else key_id
    if not await gateway.keys.revoke(holder, chosen):
        raise NotFoundError(f"You have no key {key_id}.")
    return {"object": "api_key", "id": chosen, "deleted": True}


def _signed(gateway: Gateway, fields: dict[str, Any]) -> SignedAuthorization:
    message = fields.get("authorization")
    if not isinstance(message, dict):
        raise InvalidRequestError("You must provide a SpendAuthorization.", "authorization")
    return gateway.authorizations.verify(SpendAuthorization.from_json(message), from_hex(fields.get("signature"), 65))


def _standing(payer: bytes, snapshot: Snapshot | None) -> dict[str, Any]:
    if snapshot is None:
        return {"payer": to_hex(payer)}
    return {
        "payer": to_hex(payer),
        "cap_units": str(snapshot.standing.cap_units),
        "valid_until": snapshot.standing.valid_until,
        "balance_units": str(snapshot.account.balance_units),
    }
