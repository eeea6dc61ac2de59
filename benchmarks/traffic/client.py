"""A client that costs next to nothing: one connection each, requests one after the other, times as bytes arrive."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httptools
from pydantic_core import to_json
from typing_extensions import override

FIRST_TOKEN = b"w0"
"""The paced upstream's first token; what comes before it (who speaks) says nothing of the model."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go, and as whom: worker after worker takes the next key."""

    name: str
    url: str
    model: str
    keys: tuple[str, ...] = ("none",)


@dataclass(slots=True)
class Timed:
    """One answer: seconds until its first token and until its last byte, from when the request was handed over."""

    first_token: float
    last_byte: float
    status: int
    body: bytes


@dataclass
class Answer:
    """An answer on its way."""

    began: float
    done: asyncio.Future[Timed]
    first_token: float = 0.0
    status: int = 0
    parts: list[bytes] = field(default_factory=list)


class Connection(asyncio.Protocol):
    """One keep-alive connection to a target."""

    def __init__(self) -> None:
        self._parser: Any = httptools.HttpResponseParser(self)
        self._answer: Answer | None = None
        self._transport: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done.done():
            self._answer.done.set_exception(ConnectionError(f"the connection was lost: {exc}"))

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        answer = self._answer
        assert answer is not None
        if not answer.first_token and FIRST_TOKEN in body:
            answer.first_token = time.perf_counter()
        answer.parts.append(body)

    def on_message_complete(self) -> None:
        answer, self._answer = self._answer, None
        assert answer is not None
        now = time.perf_counter()
        status, self._parser = self._parser.get_status_code(), httptools.HttpResponseParser(self)
        first = answer.first_token or now
        if not answer.done.done():
            answer.done.set_result(Timed(first - answer.began, now - answer.began, status, b"".join(answer.parts)))

    async def ask(self, request: bytes) -> Timed:
        """The answer to a request in bytes."""
        self._answer = answer = Answer(time.perf_counter(), asyncio.get_running_loop().create_future())
        self._transport.write(request)
        return await answer.done

    def close(self) -> None:
        self._transport.close()


async def connect(target: Target) -> Connection:
    place = urlsplit(target.url)
    _, connection = await asyncio.get_running_loop().create_connection(Connection, place.hostname, place.port)
    return connection


def request_bytes(target: Target, worker: int, *, tokens: int, stream: bool) -> bytes:
    """A chat of a few words that asks for so many tokens, as it goes over the wire."""
    key = target.keys[worker % len(target.keys)]
    fields = {
        "model": target.model,
        "messages": [{"role": "user", "content": "Shall I compare thee to a summer's day? Thou art more lovely"}],
        "max_tokens": tokens,
        "stream": stream,
    }
    body = to_json(fields)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {urlsplit(target.url).netloc}\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def closed_loop(
    target: Target, streams: int, each: int, *, tokens: int, stream: bool, step: float
) -> list[list[Timed]]:
    """`streams` workers that ask one after the other, `each` times; they begin `step` seconds apart."""

    async def work(number: int) -> list[Timed]:
        request = request_bytes(target, number, tokens=tokens, stream=stream)
        connection = await connect(target)
        await asyncio.sleep(number * step)
        try:
            return [checked(await connection.ask(request), target) for _ in range(each)]
        finally:
            connection.close()

    return list(await asyncio.gather(*(work(number) for number in range(streams))))


def checked(timed: Timed, target: Target) -> Timed:
    """The same, if it is an answer."""
    if timed.status != 200:
        raise SystemExit(f"{target.name} answers {timed.status}: {timed.body[:300].decode(errors='replace')}")
    return timed
