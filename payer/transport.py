"""httpx transports that pay: `OpenAI(base_url=…, api_key="-", http_client=httpx.Client(transport=PayingTransport(purse)))`.

A request goes out with the payer's API key under a cap that reaches for it; the answer comes back as it is, and its
receipt is checked on the way. What must not be sent is answered here, in the shape of OpenAI's errors: 402 where the
budget is used up or a receipt did not hold, 503 where gateway or chain are away.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import httpx
from pydantic_core import from_json, to_json
from typing_extensions import override

from ledger.errors import RetryableError, TributaryError
from payer.bounding import PAID_PATHS
from payer.errors import BudgetExhaustedError, PayerStoppedError
from payer.gateway import RefusedError
from payer.passing import AsyncPassingAnswer, PassingAnswer, came_of

if TYPE_CHECKING:
    from payer.purse import Purse, Sending

_CAP_CODES: Final = frozenset({"cap_exhausted", "authorization_expired"})
_REMEMBERED: Final = 256


class PayingTransport(httpx.BaseTransport):
    """Pays for what a synchronous client asks of one gateway."""

    def __init__(self, purse: Purse, inner: httpx.BaseTransport | None = None) -> None:
        """Take the payer's side of the gateway, and how to reach it (HTTP, unless a test says otherwise)."""
        self._purse = purse
        self._inner = inner or httpx.HTTPTransport()
        self._attempts = _Attempts()

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The gateway's answer; its body settles the request as it is read."""
        if not _is_paid(request):
            return self._inner.handle_request(request)
        body = request.read()
        try:
            sending = self._purse.prepare(body, self._attempts.key_for(request, body))
            self._attempts.note(sending)
            response = self._send(request, sending)
            if _may_go_on(response):
                refused = response.read()
                self._purse.settle(sending, came_of(response, refused, whole=True))
                again = _mended(self._purse, sending, body, refused)
                if again is None:
                    return _whole(response, refused)
                response, sending = self._send(request, again), again
        except TributaryError as error:
            return _refusal(error)
        response.stream = PassingAnswer(response, self._purse, sending, self._attempts.ended)
        return response

    @override
    def close(self) -> None:
        self._inner.close()

    def _send(self, request: httpx.Request, sending: Sending) -> httpx.Response:
        try:
            return self._inner.handle_request(_paying(request, sending))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            self._purse.unsent(sending)
            raise


class AsyncPayingTransport(httpx.AsyncBaseTransport):
    """The same for an asynchronous client; whatever blocks does so in threads."""

    def __init__(self, purse: Purse, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._purse = purse
        self._inner = inner or httpx.AsyncHTTPTransport()
        self._attempts = _Attempts()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The gateway's answer; its body settles the request as it is read."""
        if not _is_paid(request):
            return await self._inner.handle_async_request(request)
        body = await request.aread()
        try:
            key = self._attempts.key_for(request, body)
            sending = await asyncio.to_thread(self._purse.prepare, body, key)
            self._attempts.note(sending)
            response = await self._send(request, sending)
            if _may_go_on(response):
                refused = await response.aread()
                await asyncio.to_thread(self._purse.settle, sending, came_of(response, refused, whole=True))
                again = await asyncio.to_thread(_mended, self._purse, sending, body, refused)
                if again is None:
                    return _whole(response, refused)
                response, sending = await self._send(request, again), again
        except TributaryError as error:
            return _refusal(error)
        response.stream = AsyncPassingAnswer(response, self._purse, sending, self._attempts.ended)
        return response

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _send(self, request: httpx.Request, sending: Sending) -> httpx.Response:
        try:
            return await self._inner.handle_async_request(_paying(request, sending))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            await asyncio.to_thread(self._purse.unsent, sending)
            raise


def _mended(purse: Purse, sending: Sending, body: bytes, refused: bytes) -> Sending | None:
    """The request once more, where the gateway refused it for want of a key or a cap and now has one; else None."""
    error = _error_of(refused)
    if error.get("code") == "invalid_api_key":
        purse.renew_key(sending)
    elif error.get("code") in _CAP_CODES:
        said = str(error.get("exposure_units", ""))
        if not purse.raise_for(sending, int(said) if said.isascii() and said.isdigit() and len(said) <= 20 else 0):
            return None
    else:
        return None
    return purse.prepare(body, sending.idempotency_key)


class _Attempts:
    """Keys of whole answers that never came: a client that asks again with the same body gets that very answer.

    An answer without a receipt says nothing of what the gateway is at: the first attempt may still be under way there.
    """

    def __init__(self) -> None:
        self._lost: OrderedDict[bytes, str] = OrderedDict()

    def key_for(self, request: httpx.Request, body: bytes) -> str | None:
        """The client's own key, or the one of the attempt before; None for a fresh one."""
        given = request.headers.get("idempotency-key")
        if given is not None:
            return str(given)
        is_retry = request.headers.get("x-stainless-retry-count", "0") != "0"
        return self._lost.pop(hashlib.sha256(body).digest(), None) if is_retry else None

    def note(self, sending: Sending) -> None:
        """An attempt is under way; until it has come to an end it counts as lost."""
        if sending.ask.streamed:  # what is left of a cut stream is no answer to a retry
            return
        self._lost[hashlib.sha256(sending.exchange.request).digest()] = sending.idempotency_key
        while len(self._lost) > _REMEMBERED:
            self._lost.popitem(last=False)

    def ended(self, sending: Sending) -> None:
        self._lost.pop(hashlib.sha256(sending.exchange.request).digest(), None)


def _is_paid(request: httpx.Request) -> bool:
    return request.method == "POST" and request.url.path in PAID_PATHS


def _paying(request: httpx.Request, sending: Sending) -> httpx.Request:
    """The client's request with the payer's headers, its body byte for byte as it was."""
    headers = httpx.Headers(request.headers)
    headers.update(
        {**sending.headers, "accept-encoding": "identity", "content-length": str(len(sending.exchange.request))}
    )
    headers.pop("transfer-encoding", None)
    return httpx.Request(
        request.method, request.url, headers=headers, content=sending.exchange.request, extensions=request.extensions
    )


def _may_go_on(response: httpx.Response) -> bool:
    return response.status_code in (401, 402)


def _whole(response: httpx.Response, body: bytes) -> httpx.Response:
    return httpx.Response(response.status_code, headers=response.headers, content=body)


def _error_of(body: bytes) -> dict[str, Any]:
    try:
        document = from_json(body)
    except ValueError:
        return {}
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else {}


def _refusal(error: TributaryError) -> httpx.Response:
    """What the client is told instead of an answer."""
    headers = {"content-type": "application/json"}
    if isinstance(error, RetryableError):
        status, code, headers["retry-after"] = 503, "gateway_unavailable", "5"
    elif isinstance(error, (BudgetExhaustedError, PayerStoppedError)):
        status, code = 402, "budget_exhausted" if isinstance(error, BudgetExhaustedError) else "payer_stopped"
    elif isinstance(error, RefusedError):
        status, code = error.status, error.code or "refused"
    else:
        status, code = 400, "not_sent"
    kind = "server_error" if status >= 500 else "invalid_request_error"
    content = to_json({"error": {"message": str(error), "type": kind, "param": None, "code": code}})
    return httpx.Response(status, headers=headers, content=content)
