"""A model server that answers with bytes as they are written here, and who asks it as an engine does."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvloop
from pydantic_core import to_json

from serving.inference.engine import Delta, Take
from serving.upstream.attempt import Attempt
from serving.upstream.errors import Fault
from serving.upstream.node import Node
from serving.upstream.pool import Pool, Work
from serving.upstream.settings import NodeSettings, PoolSettings
from tests.factories.scripted_node import Piece, ScriptedNode, scripted_node
from tests.unit.serving.upstream_calls import bounds, call, model

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def event(text: str | None, finish: str | None = None, **more: Any) -> bytes:
    delta = {"role": "assistant", "content": ""} if text is None else {"content": text} if text else {}
    return b"data: " + to_json({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]} | more) + b"\n\n"


def chunk(some: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(some), some)


WHOLE = event(None) + event("héllo ") + event("wörld €") + event("", "stop")
ANSWER = [HEAD, chunk(WHOLE), chunk(DONE) + END]


def run(story: Callable[[], Coroutine[Any, Any, None]], *, loop: str = "uvloop") -> None:
    factory = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(asyncio.wait_for(story(), 20))


class Asker:
    """Asks one node over and over, as an engine does."""

    def __init__(self, url: str, **pool: Any) -> None:
        self.pool_settings = PoolSettings(**{"attempts": 1, "patience_seconds": 0.1, "connect_seconds": 10.0} | pool)
        self.node = Node(NodeSettings(url=url), self.pool_settings)
        self.pool = Pool([self.node], self.pool_settings)
        self.deltas: list[Delta] = []

    def attempt(self, **fields: Any) -> Attempt:
        return Attempt(self.pool, call(**{"stream": True} | fields), bounds(), Work(model(), b"payer", 10))

    async def ask(self, take: Take | None = None, **fields: Any) -> str:
        """The text of an answer; what is kept of it stays if it fails."""
        self.deltas = []

        def keep(deltas: Sequence[Delta]) -> Coroutine[Any, Any, None] | None:
            self.deltas += deltas
            return None if take is None else take(deltas)

        async for step in self.attempt(**fields).deltas():
            if isinstance(step, Delta):
                keep([step])
            else:
                await step.into(keep)
        return self.text

    @property
    def text(self) -> str:
        said = [c.get("delta") or c.get("message") or {} for delta in self.deltas for c in delta.choices]
        return "".join(part.get("content") or "" for part in said)

    @property
    def fault(self) -> Fault:
        (fault,) = self.node.faults
        return Fault(fault)


@asynccontextmanager
async def asking(
    *scripts: Sequence[Piece], tls: ssl.SSLContext | None = None, **pool: Any
) -> AsyncIterator[tuple[Asker, ScriptedNode]]:
    async with scripted_node(*scripts, tls=tls) as server:
        asker = Asker(server.url, **pool)
        asker.node.open()
        try:
            yield asker, server
        finally:
            await asker.node.close()
