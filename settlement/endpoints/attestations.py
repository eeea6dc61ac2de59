"""POST /v1/attestations: a distribution file in, a signature or a reasoned refusal out."""

import asyncio
import zlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from ledger.errors import (
    BadSignatureError,
    MalformedInputError,
    NotFoundError,
    RetryableError,
    TributaryError,
    WrongRootError,
)
from ledger.protocol.hexadecimal import checksum_address, to_hex
from settlement.attester import Attester
from settlement.endpoints import draws

_RETRY_AFTER_SECONDS = "5"
_PROBLEM = "application/problem+json"
_DELIVERIES_AT_ONCE = 4


class SignedAnswer(BaseModel):
    """An attester's yes: its EIP-712 signature over the Distribution that the file stands for."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "attester": "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
                "digest": "0x" + "4f" * 32,
                "signature": "0x" + "1c" * 65,
            }
        }
    )

    attester: str
    digest: str
    signature: str


router = APIRouter()


def attester_of(request: Request) -> Attester:
    attester: Attester = request.app.state.attester
    return attester


async def read_file(request: Request) -> bytes:
    """The request's body, inflated, and no longer than this attester accepts."""
    most: int = request.app.state.largest_file_bytes
    compressed = request.headers.get("content-encoding") == "gzip"
    inflate = zlib.decompressobj(wbits=31) if compressed else None
    content = bytearray()
    async for part in request.stream():
        try:
            content += inflate.decompress(part, most + 1 - len(content)) if inflate else part
        except zlib.error as error:
            raise MalformedInputError("The body is not gzip, though content-encoding says so.") from error
        if len(content) > most:
            raise MalformedInputError(f"The file is larger than the {most} bytes that this attester reads.")
    return bytes(content)


@router.post("/v1/attestations", responses={409: {"description": "This attester computes another distribution."}})
async def attest(
    attester: Annotated[Attester, Depends(attester_of)], content: Annotated[bytes, Depends(read_file)]
) -> SignedAnswer:
    """Compute the distribution from this attester's own index; sign it if the file says the same, byte for byte."""
    signed = await run_in_threadpool(attester.attest, content)
    return SignedAnswer(
        attester=checksum_address(signed.attester), digest=to_hex(signed.digest), signature=to_hex(signed.signature)
    )


@router.get("/health")
def health(attester: Annotated[Attester, Depends(attester_of)]) -> dict[str, str]:
    """Who signs here."""
    return {"status": "ok", "attester": checksum_address(attester.address)}


def problem(request: Request, error: Exception) -> JSONResponse:
    """The error as problem+json, with what a refusal is about."""
    attester: Attester = request.app.state.attester
    status, headers = 500, {}
    if isinstance(error, WrongRootError):
        status = 409
    elif isinstance(error, MalformedInputError | BadSignatureError):
        status = 400
    elif isinstance(error, NotFoundError):
        status = 404
    elif isinstance(error, RetryableError):
        status, headers = 503, {"retry-after": _RETRY_AFTER_SECONDS}
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": {409: "Refused", 400: "Malformed", 404: "Not found", 503: "Not ready"}.get(status, "Failed"),
        "status": status,
        "detail": str(error),
        "attester": checksum_address(attester.address),
    }
    if isinstance(error, WrongRootError) and error.payee is not None:
        body |= {
            "payee": checksum_address(error.payee),
            "proposed": str(error.proposed),
            "computed": str(error.computed),
        }
    return JSONResponse(body, status, headers, media_type=_PROBLEM)


def build_app(attester: Attester, largest_file_bytes: int) -> FastAPI:
    """The attester's HTTP application."""
    app = FastAPI(title="Tributary attester", summary="Signs a distribution that its own index gives too.")
    app.state.attester = attester
    app.state.largest_file_bytes = largest_file_bytes
    # Anybody may bring consents, each of which waits for an operator: they must not take all threads from proposers.
    app.state.deliveries = asyncio.Semaphore(_DELIVERIES_AT_ONCE)
    app.include_router(router)
    app.include_router(draws.router)
    app.add_exception_handler(TributaryError, problem)
    return app
