"""The ASGI application."""

from __future__ import annotations

import secrets
import traceback

import structlog
from fastapi import FastAPI
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.errors import TributaryError
from serving.failures import INVALID, Failure, failure_of
from serving.gateway import Gateway
from serving.inference.idempotency import ID_PREFIX
from serving.routes import attribution, health, inference, models, openings, payers, receipts

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
    return _Counted(app, gateway)  # around everything, so that a fault of ours is counted too


class _Counted:
    """Gives every response an `x-request-id` and counts it by route and status."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = getattr(scope.get("route"), "path", "unknown")
                self._gateway.metrics.requests.labels(path, str(message["status"])).inc()
                headers = message.setdefault("headers", [])
                if not any(name.lower() == b"x-request-id" for name, _ in headers):
                    message["headers"] = [*headers, (b"x-request-id", (ID_PREFIX + secrets.token_hex(16)).encode())]
            await send(message)

        await self._app(scope, receive, counted)


async def _expected(_: Request, error: Exception) -> Response:
    return _answer(failure_of(error))


async def _http(_: Request, error: Exception) -> Response:
    """Unknown paths and methods, in the shape of all other errors."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "The server had an error."
    return _answer(Failure(status, {"message": f"{detail}.", "type": INVALID, "param": None, "code": None}))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)


async def _unexpected(request: Request, error: Exception) -> Response:
    # Formatted here: a renderer that shows local variables would show prompts.
    _log.error("request_failed", path=request.url.path, trace="".join(traceback.format_exception(error)))
    return _answer(failure_of(error))


def _answer(failure: Failure) -> Response:
    return Response(to_json(failure.content), failure.status, failure.headers, "application/json")
