"""The ASGI application."""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Mapping
from typing import Final

import structlog
from fastapi import FastAPI
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.errors import TributaryError
from ledger.protocol.request_id import ID_PREFIX
from serving.failures import INVALID, Failure, failure_of
from serving.gateway import Gateway
from serving.metrics import Metrics
from serving.routes import attribution, health, inference, models, openings, payers, receipts

_REQUEST_ID: Final = b"x-request-id"
_GONE: Final = 499
_log = structlog.get_logger(__name__)


def create_app(gateway: Gateway) -> ASGIApp:
    """The gateway behind its routes. Whoever runs the application starts and stops the gateway."""
    app = FastAPI(
        title="Tributary gateway",
        description="OpenAI-compatible serving in which every answer leaves a signed receipt.",
        version="1",
    )
    app.state.gateway = gateway
    for module in (inference, models, receipts, payers, attribution, openings, health):
        app.include_router(module.router)
    app.add_exception_handler(TributaryError, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)
    return _Front(app, gateway)


class _Front:
    """Around everything, so that a fault of ours is counted too. Inference does not take the way through the routes.

    The framework's way (middlewares, matching, dependencies) costs a request a quarter of a millisecond of CPU and gives
    inference nothing that it uses; the routes still describe it in the API's own documentation.
    """

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._metrics = gateway.metrics
        self._inference: Mapping[str, ASGIApp] = inference.applications(gateway)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answering = _Answering(scope, send, self._metrics)
        application = self._inference.get(scope["path"]) if scope["method"] == "POST" else None
        if application is None:
            await self._app(scope, receive, answering.send)
            return
        answering.path = scope["path"]
        try:
            await application(scope, receive, answering.send)
        except ClientDisconnect:
            await answering.fail(_gone_response())
        except Exception as error:
            if not isinstance(error, TributaryError):
                _log_unexpected(scope["path"], error)
            if answering.begun:  # the connection ends here: a client sees that its answer is not whole
                raise
            await answering.fail(_answer(failure_of(error)))


class _Answering:
    """Gives a response its `x-request-id` and counts it by route and status."""

    __slots__ = ("_metrics", "_scope", "_send", "begun", "path")

    def __init__(self, scope: Scope, send: Send, metrics: Metrics) -> None:
        self._scope = scope
        self._send = send
        self._metrics = metrics
        self.path: str | None = None
        self.begun = False

    async def send(self, message: Message) -> None:
        """Passes a part of the response on."""
        if message["type"] == "http.response.start":
            self.begun = True
            path = self.path or str(getattr(self._scope.get("route"), "path", "unknown"))
            self._metrics.answered(path, message["status"])
            headers = message.setdefault("headers", [])
            if not any(name.lower() == _REQUEST_ID for name, _ in headers):
                message["headers"] = [*headers, (_REQUEST_ID, (ID_PREFIX + secrets.token_hex(16)).encode())]
        await self._send(message)

    async def fail(self, response: Response) -> None:
        """Answers with an error, if nothing was answered yet."""
        if not self.begun:
            head = {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
            await self.send(head)
            await self.send({"type": "http.response.body", "body": response.body})


async def _expected(_: Request, error: Exception) -> Response:
    return _answer(failure_of(error))


async def _http(_: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the shape of all other errors."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "The server had an error."
    return _answer(Failure(status, {"message": f"{detail}.", "type": INVALID, "param": None, "code": None}))


async def _gone(_: Request, __: Exception) -> Response:
    return _gone_response()


async def _unexpected(request: Request, error: Exception) -> Response:
    _log_unexpected(request.url.path, error)
    return _answer(failure_of(error))


def _log_unexpected(path: str, error: Exception) -> None:
    # Formatted here: a renderer that shows local variables would show prompts.
    _log.error("request_failed", path=path, trace="".join(traceback.format_exception(error)))


def _gone_response() -> Response:
    return Response(status_code=_GONE)


def _answer(failure: Failure) -> Response:
    return Response(to_json(failure.content), failure.status, failure.headers, "application/json")
