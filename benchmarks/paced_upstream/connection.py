"""One HTTP connection: requests parsed by httptools, one task each, bytes written as they come."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httptools
from typing_extensions import override

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}


@dataclass
class Request:
    """A whole request."""

    method: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Connection(asyncio.Protocol):
    """Hands each request to `answer`, which writes to the connection."""

    def __init__(self, answer: Callable[["Connection", Request], Awaitable[None]]) -> None:
        self._answer = answer
        self._parser = httptools.HttpRequestParser(self)
        self._request = Request()
        self._task: asyncio.Task[None] | None = None
        self._transport: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_message_begin(self) -> None:
        self._request = Request()

    def on_url(self, url: bytes) -> None:
        self._request.path += url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._request.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._request.body += body

    def on_message_complete(self) -> None:
        self._request.method = self._parser.get_method().decode()
        self._task = asyncio.ensure_future(self._run(self._request))

    async def _run(self, request: Request) -> None:
        try:
            await self._answer(self, request)
        except ConnectionError:
            self.close()

    def write(self, some: bytes) -> None:
        """Raises ConnectionResetError once the other side is gone."""
        if self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(some)

    def whole(self, status: int, body: bytes, kind: str = "application/json", extra: str = "") -> None:
        """A response in one piece."""
        head = (
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\n"
            f"content-type: {kind}\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
        )
        self.write(head.encode() + body)

    def begin_stream(self) -> None:
        self.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    def part(self, some: bytes) -> None:
        self.write(b"%x\r\n%s\r\n" % (len(some), some))

    def end_stream(self) -> None:
        self.write(b"0\r\n\r\n")

    def close(self) -> None:
        """At once, without an end."""
        self._transport.abort()
