"""POST /v1/consents and GET /v1/draws: what payers let an attester see, and what came of it."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from ledger.errors import MalformedInputError, NotFoundError
from ledger.protocol.consent import parse_consent
from ledger.protocol.hexadecimal import checksum_address, to_hex
from settlement.attester import Attester
from settlement.draw.checking import Draw
from settlement.draw.consents import take_consent

router = APIRouter()

_NO_DRAW = "This attester takes no part in the draw."


class Finding(BaseModel):
    """A drawn receipt: `held` (opened, and right), `silent` (not opened in time) or `different` (wrong)."""

    batch_id: int
    position: int
    operator: str
    digest31: str
    seed_block: int
    outcome: str
    reason: str
    looked_at: int


def _draw(request: Request) -> Draw:
    attester: Attester = request.app.state.attester
    if attester.draw is None:
        raise NotFoundError(_NO_DRAW)
    return attester.draw


@router.post("/v1/consents", status_code=201)
async def give_consent(request: Request, document: dict[str, Any]) -> dict[str, str]:
    """Takes a payer's signed AuditConsent; docs/spec/draw.md."""
    draw = _draw(request)
    consent, signature = parse_consent(document)
    if consent.operator not in draw.operators.known:
        raise MalformedInputError(f"this attester knows no address of operator {checksum_address(consent.operator)}")
    deliver = draw.operators.deliver
    async with request.app.state.deliveries:
        await run_in_threadpool(take_consent, draw.sessions, draw.judge.domain, consent, signature, deliver)
    return {"object": "audit_consent"}


@router.get("/v1/draws")
def findings(request: Request) -> list[Finding]:
    """Every receipt that was drawn, and what came of it; the newest batch first."""
    return [
        Finding(
            batch_id=row.batch_id,
            position=row.position,
            operator=checksum_address(row.operator),
            digest31=to_hex(row.digest31),
            seed_block=row.seed_block,
            outcome=row.outcome,
            reason=row.reason,
            looked_at=int(row.looked_at.timestamp()),
        )
        for row in _draw(request).findings()
    ]
