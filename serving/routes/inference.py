"""POST /v1/chat/completions, /v1/completions and /v1/embeddings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from serving.gateway import Gateway
from serving.inference.answering import CheckpointPace, Disconnected
from serving.inference.call import Endpoint, parse_call
from serving.inference.idempotency import Replay
from serving.inference.open_request import OpenRequest
from serving.inference.sampling import ChatBody, CompletionBody
from serving.inference.streamed import CONNECTION, StreamDelivery, no_outlet
from serving.inference.whole import WholeDelivery, send_json
from serving.routes.bodies import receive_body

router = APIRouter(tags=["inference"])


def _documented(body: type[ChatBody | CompletionBody]) -> dict[str, Any]:
    schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post("/v1/chat/completions", openapi_extra=_documented(ChatBody))
async def chat_completions(request: Request) -> Response:
    """Answers a chat, whole or as a stream, with a signed receipt."""
    return _Delegated(request.app.state.gateway, Endpoint.CHAT)


@router.post("/v1/completions", openapi_extra=_documented(CompletionBody))
async def completions(request: Request) -> Response:
    """Continues a text, whole or as a stream, with a signed receipt."""
    return _Delegated(request.app.state.gateway, Endpoint.COMPLETION)


@router.post("/v1/embeddings")
async def embeddings(request: Request) -> Response:
    """Embeds texts, with a signed receipt, where an upstream serves a model that does."""
    return _Delegated(request.app.state.gateway, Endpoint.EMBEDDING)


PATHS: Final = {
    "/v1/chat/completions": Endpoint.CHAT,
    "/v1/completions": Endpoint.COMPLETION,
    "/v1/embeddings": Endpoint.EMBEDDING,
}


def applications(gateway: Gateway) -> dict[str, ASGIApp]:
    """What answers on each path, for whoever needs no framework in between."""
    return {path: InferenceApplication(gateway, endpoint) for path, endpoint in PATHS.items()}


class _Delegated(Response):
    """The same answer from within the framework."""

    def __init__(self, gateway: Gateway, endpoint: Endpoint) -> None:
        super().__init__()
        self._application = InferenceApplication(gateway, endpoint)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)


class InferenceApplication:
    """Requests of one endpoint, each from its body to its receipt, on the connection itself."""

    def __init__(self, gateway: Gateway, endpoint: Endpoint) -> None:
        self._gateway = gateway
        self._endpoint = endpoint
        self._seconds = gateway.metrics.seconds.labels(endpoint.value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gateway, began = self._gateway, time.monotonic()
        gateway.refuse_if_unfit()
        headers = Headers(scope=scope)
        holder = await gateway.keys.recognise(headers.get("authorization"))
        body = await receive_body(receive, gateway.settings.max_body_bytes)
        call = parse_call(self._endpoint, body)
        with gateway.admissions.place(holder.payer):
            admitted = await gateway.admissions.admit(holder, call, body, headers.get("idempotency-key"))
            if isinstance(admitted, Replay):
                await _replay(admitted, send)
            else:
                await self._deliver(admitted, scope, receive, send)
        self._seconds.observe(time.monotonic() - began)

    async def _deliver(self, request: OpenRequest, scope: Scope, receive: Receive, send: Send) -> None:
        connection = scope.get("extensions", {}).get(CONNECTION, {})
        disconnected = connection.get("left") or _asking(receive)
        closer = self._gateway.closer
        try:
            if request.call.stream:
                pace = CheckpointPace(self._gateway.settings.checkpoint_seconds)
                outlet = connection.get("write") or no_outlet
                await StreamDelivery(request, closer, send, pace, outlet).deliver(disconnected)
            else:
                await WholeDelivery(request, closer, send).deliver(disconnected)
        finally:
            await request.release()
            if not request.closed:  # a fault of ours: the payer does not pay for it, and nothing stays held
                closer.end(request, request.closing("engine_error"))


def _asking(receive: Receive) -> Disconnected:
    """For servers that only say on being asked whether the client is gone."""

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    def watch(gone: Callable[[], None]) -> Callable[[], object]:
        waiting = asyncio.ensure_future(wait())
        waiting.add_done_callback(lambda done: None if done.cancelled() or done.exception() else gone())
        return waiting.cancel

    return watch


async def _replay(replay: Replay, send: Send) -> None:
    headers = {"x-request-id": replay.issued.request_id, "idempotent-replayed": "true"}
    if replay.answer.streamed and replay.answer.status == 200:
        headers["content-type"] = "text/event-stream; charset=utf-8"
    await send_json(send, replay.answer.status, replay.body, headers)
