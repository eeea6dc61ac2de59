"""Entity tags for JSON answers: a reader that polls gets 304 and no body while nothing changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LARGEST_BODY = 4 * 1024 * 1024


class EntityTags:
    """ASGI middleware: tags whole 200 answers of GET that carry no tag yet; streams pass as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        await self.app(scope, receive, _Tagging(scope, send))


class _Tagging:
    """Holds a response's start back until its body says which tag it has."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._asked = Headers(scope=scope).get("if-none-match", "")
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_taggable(message):
            self._start = message
            return
        start, self._start = self._start, None
        if start is None:
            await self._send(message)
            return
        body = message.get("body", b"")
        if not message.get("more_body", False):
            tag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
            MutableHeaders(scope=start)["etag"] = tag
            if tag in self._asked:
                start, message = {**start, "status": 304}, {**message, "body": b""}
                del MutableHeaders(scope=start)["content-length"]
        await self._send(start)
        await self._send(message)


def _is_taggable(start: Message) -> bool:
    headers = Headers(scope=start)
    size = int(headers.get("content-length", _LARGEST_BODY + 1))
    return start["status"] == 200 and "etag" not in headers and size <= _LARGEST_BODY
