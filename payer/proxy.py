"""The proxy: OpenAI's API on a loopback address, paid for on the way to one gateway.

Its clients need no key of their own: whoever can reach the address spends the payer's budget, so it listens on loopback
addresses alone.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import httpx
from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ledger.errors import SettingsError
from payer.transport import AsyncPayingTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from payer.purse import Purse

_TIMEOUT: Final = httpx.Timeout(600.0, connect=10.0)
_MOST_BYTES: Final = 64 * 1024 * 1024
_NOT_PASSED_ON: Final = frozenset(
    {
        "authorization", "connection", "content-length", "host", "keep-alive", "proxy-authorization", "te", "trailer",
        "transfer-encoding", "upgrade", "accept-encoding",
    }
)  # fmt: skip
_METHODS: Final = ["GET", "POST", "DELETE"]


def check_loopback(host: str) -> None:
    """Nothing, if only this machine can reach the address.

    Raises:
        SettingsError: others could, and would spend the payer's budget.
    """
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise SettingsError(
            f"PAY_HOST is {host}, but whoever reaches the proxy spends your budget: use 127.0.0.1 or ::1."
        )


def create_app(purse: Purse, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """The proxy in front of the purse's gateway."""
    proxy = _Proxy(purse, transport)
    return Starlette(routes=[Route("/{path:path}", proxy.pass_on, methods=_METHODS)])


class _Proxy:
    def __init__(self, purse: Purse, transport: httpx.AsyncBaseTransport | None) -> None:
        paying = AsyncPayingTransport(purse, transport)
        self._client = httpx.AsyncClient(
            base_url=purse.gateway.url, transport=paying, timeout=_TIMEOUT, trust_env=False, follow_redirects=False
        )

    async def pass_on(self, request: Request) -> Response:
        """The gateway's answer to a request, byte for byte."""
        if "cookie" in request.headers or "origin" in request.headers:
            # A page in this machine's browser could otherwise spend the budget.
            return _failure(403, "forbidden", "The proxy serves programs, not web pages.")
        body = await _body(request)
        if body is None:
            return _failure(413, "request_too_large", f"The proxy passes on at most {_MOST_BYTES} bytes.")
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_PASSED_ON}
        sent = self._client.build_request(
            request.method, request.url.path, params=request.url.query or None, headers=headers, content=body or None
        )
        sent.headers.pop("authorization", None)
        try:
            answer = await self._client.send(sent, stream=True)
        except httpx.HTTPError as error:
            return _failure(502, "gateway_unavailable", f"The gateway does not answer: {error}.")
        passed = {name: value for name, value in answer.headers.items() if name not in _NOT_PASSED_ON}
        return StreamingResponse(_chunks(answer), answer.status_code, passed)


async def _chunks(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes as they come; a client that leaves ends the gateway's stream too."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


async def _body(request: Request) -> bytes | None:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return None
    return bytes(body)


def _failure(status: int, code: str, message: str) -> Response:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    content = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Response(to_json(content), status, media_type="application/json")
