"""The gateway's side of a client's connection: parts that are written at once, clients that read slowly or leave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from serving.inference.streamed import CONNECTION
from serving.server import GatewayServer, UnbufferedProtocol

pytestmark = pytest.mark.e2e

ASK = b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi"
Application = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(story(), 20))


@asynccontextmanager
async def serving(app: Application) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client's connection to the application."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(
            app, http=UnbufferedProtocol, lifespan="off", access_log=False, log_config=None, timeout_graceful_shutdown=1
        )
        server = GatewayServer(config)
        running = asyncio.ensure_future(server.serve(sockets=[listener]))
        reader, writer = await asyncio.open_connection(*listener.getsockname(), limit=1 << 16)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            server.should_exit = True
            await running


async def begin(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})


async def body_of(reader: asyncio.StreamReader) -> bytes:
    """The body of one chunked response."""
    await reader.readuntil(b"\r\n\r\n")
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(parts)


def test_a_reader_that_takes_its_time_gets_every_part_in_order() -> None:
    ways: list[bool] = []

    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        connection = scope["extensions"][CONNECTION]
        assert not connection["write"](b"before the head")
        await begin(send)
        for number in range(400):
            part = b"%06d" % number * 5_000
            written = connection["write"](part)
            ways.append(written)
            if not written:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"."})
        assert not connection["write"](b"after the end")

    async def story() -> None:
        async with serving(app) as (reader, writer):
            for _ in range(2):  # and the connection is good for another
                writer.write(ASK)
                await asyncio.sleep(0.2)
                assert await body_of(reader) == b"".join(b"%06d" % n * 5_000 for n in range(400)) + b"."
            assert True in ways
            assert False in ways  # 12 MB are more than the sockets take

    run(story)


def test_answers_to_requests_that_came_together_do_not_mix() -> None:
    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        await begin(send)
        for _ in range(3):
            await asyncio.sleep(0.01)
            assert scope["extensions"][CONNECTION]["write"](scope["path"].encode())
        await send({"type": "http.response.body", "body": b""})

    async def story() -> None:
        async with serving(app) as (reader, writer):
            writer.write(ASK + ASK.replace(b"/v1", b"/v2"))
            assert await body_of(reader) == b"/v1" * 3
            assert await body_of(reader) == b"/v2" * 3

    run(story)


@pytest.mark.parametrize("ended", [False, True])
def test_a_client_that_leaves_is_told_of_once_unless_nobody_wants_to_know(ended: bool) -> None:
    calls: list[int] = []
    asked, over = asyncio.Event(), asyncio.Event()

    async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        connection = scope["extensions"][CONNECTION]
        await begin(send)
        end = connection["left"](lambda: calls.append(1))
        if ended:
            end()
        asked.set()
        await over.wait()
        assert not connection["write"](b"to nobody")

    async def story() -> None:
        async with serving(app) as (reader, writer):
            writer.write(ASK)
            await reader.readuntil(b"\r\n\r\n")
            await asked.wait()
            writer.transport.abort()
            await asyncio.sleep(0.1)
            assert len(calls) == (not ended)
            over.set()

    run(story)
