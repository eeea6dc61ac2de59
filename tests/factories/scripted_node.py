"""A server that answers with bytes as they were written down, piece by piece, whatever they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from ssl import SSLContext
from typing import TypeAlias


class Act(Enum):
    """What the server does between two pieces."""

    HANG = "says nothing more, and keeps the connection"
    CUT = "ends the connection"


Piece: TypeAlias = bytes | float | Act
"""Bytes to send, seconds to wait, or what to do."""


@dataclass
class ScriptedNode:
    """What it was asked, and what became of its connections."""

    port: int = 0
    scheme: str = "http"
    scripts: list[Sequence[Piece]] = field(default_factory=list)
    """An answer for each request, the last for all further ones."""
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    sent_bytes: int = 0
    serving: set[asyncio.Task[None]] = field(default_factory=set)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the other side has ended a connection."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection."""
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        try:
            await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            self.left.set()
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                script = self.scripts[min(len(self.requests), len(self.scripts)) - 1]
                if not await self._play(script, reader, writer):
                    writer.close()
                    await writer.wait_closed()
                    break

    async def _play(self, script: Sequence[Piece], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        for piece in script:
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
                self.sent_bytes += len(piece)
            elif piece is Act.CUT:
                return False
            elif piece is Act.HANG:
                await reader.read(1)
                return False
            else:
                assert isinstance(piece, float)
                await asyncio.sleep(piece)
        return True


@asynccontextmanager
async def scripted_node(*scripts: Sequence[Piece], tls: SSLContext | None = None) -> AsyncIterator[ScriptedNode]:
    """A server with these answers, on a port of its own."""
    node = ScriptedNode(scripts=list(scripts), scheme="http" if tls is None else "https")
    server = await asyncio.start_server(node.answer, "127.0.0.1", 0, ssl=tls)
    node.port = server.sockets[0].getsockname()[1]
    try:
        yield node
    finally:
        server.close()
        for task in node.serving:
            task.cancel()
        await asyncio.gather(*node.serving)
        await asyncio.sleep(0)
