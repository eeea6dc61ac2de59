"""One request to one server, whatever that server's bytes are and however they come."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from serving.errors import UpstreamRefusedError, UpstreamUnavailableError
from serving.inference.engine import Delta, Take
from serving.upstream.attempt import Attempt
from serving.upstream.errors import Fault
from serving.upstream.node import Node
from serving.upstream.pool import Pool, Work
from serving.upstream.settings import NodeSettings, PoolSettings
from tests.factories.scripted_node import Act, Piece, ScriptedNode, scripted_node
from tests.unit.serving.upstream_calls import bounds, call, model

pytestmark = pytest.mark.e2e

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


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  what is waited for happens to others
        await asyncio.sleep(0.005)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_an_answer_is_the_same_however_its_bytes_are_cut(chunks: list[int], segments: list[int]) -> None:
    body, at = [], 0
    while at < len(WHOLE):
        step = chunks[len(body) % len(chunks)]
        body.append(chunk(WHOLE[at : at + step]))
        at += step
    wire, pieces, at = b"".join([HEAD, *body, chunk(DONE), END]), [], 0
    while at < len(wire):
        step = segments[len(pieces) % len(segments)]
        pieces.append(wire[at : at + step])
        at += step

    async def story() -> None:
        async with asking(pieces) as (asker, _):
            assert await asker.ask() == "héllo wörld €"
            assert asker.deltas[-1].output_units == 3
            assert not asker.node.faults

    run(story)


GARBAGE: dict[str, Sequence[Piece]] = {
    "no HTTP": [b"\x00\xff garbage \r\n\r\n"],
    "a page": [b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi"],
    "no JSON": [HEAD, chunk(b"data: {broken\n\n"), END],
    "split UTF-8 that never ends": [HEAD, chunk(b'data: {"choices":"\xe2\x82'), chunk(b'"}\n\n'), END],
    "another choice": [HEAD, chunk(b'data: {"choices":[{"index":7,"delta":{"content":"a"}}]}\n\n'), END],
    "a chunk of no length": [HEAD, b"zz\r\nhello\r\n"],
    "compressed": [HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n"), chunk(b"\x1f\x8b")],
    "a head without an end": [b"HTTP/1.1 200 OK\r\n", *[b"x-more: " + b"y" * 8000 + b"\r\n"] * 40, Act.HANG],
    "another protocol": [b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhi"],
    "two lengths": [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n"],
}
BROKEN: dict[str, Sequence[Piece]] = {
    "nothing": [Act.CUT],
    "a head alone": [HEAD, Act.CUT],
    "half a head": [HEAD[:30], Act.CUT],
    "who speaks alone": [HEAD, chunk(event(None)), Act.CUT],
    "no finish": [HEAD, chunk(event("a") + DONE), END],
    "fewer bytes than it says": [b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 999\r\n\r\n",
                                 event("a"), Act.CUT],
}  # fmt: skip


@pytest.mark.parametrize("script", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_garbage_is_told_from_an_answer(script: Sequence[Piece], loop: str) -> None:
    async def story() -> None:
        async with asking(script) as (asker, server):
            with pytest.raises(UpstreamUnavailableError):
                await asker.ask()
            assert asker.fault is Fault.GARBAGE
            assert asker.deltas == []
            await server.left.wait()

    run(story, loop=loop)


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_an_answer_that_breaks_off_is_no_answer(script: Sequence[Piece], loop: str) -> None:
    async def story() -> None:
        async with asking(script) as (asker, _):
            with pytest.raises(UpstreamUnavailableError):
                await asker.ask()
            assert asker.fault is Fault.BROKEN

    run(story, loop=loop)


def test_what_came_before_a_break_is_handed_on_and_the_break_is_told() -> None:
    async def story() -> None:
        async with asking([HEAD, chunk(event("said")), 0.05, chunk(event(" and cut")), Act.CUT]) as (asker, _):
            with pytest.raises(UpstreamUnavailableError, match="broke off"):
                await asker.ask()
            assert asker.text == "said and cut"
            assert asker.fault is Fault.BROKEN

    run(story)


def test_an_answer_that_broke_before_anyone_saw_it_is_asked_for_again() -> None:
    broken = [HEAD + chunk(event("lost")) + END]

    async def story() -> None:
        async with asking(broken, ANSWER, attempts=2) as (asker, server):
            assert await asker.ask() == "héllo wörld €"
            assert len(server.requests) == 2
            assert asker.fault is Fault.BROKEN

    run(story)


@pytest.mark.parametrize("end", ["length", "connection", "chunks"])
def test_a_whole_answer_may_end_in_any_way_that_http_has(end: str) -> None:
    body = to_json({"choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}}]})
    start = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    script: dict[str, Sequence[Piece]] = {
        "length": [start + b"content-length: %d\r\n\r\n" % len(body), body[:9], body[9:]],
        "connection": [start + b"\r\n", body[:9], body[9:], Act.CUT],
        "chunks": [
            start + b"transfer-encoding: chunked\r\n\r\n",
            chunk(body[:9]),
            chunk(body[9:]),
            b"0\r\nx: y\r\n\r\n",
        ],
    }

    async def story() -> None:
        async with asking(script[end]) as (asker, _):
            assert await asker.ask(stream=False) == "hi"

    run(story)


def test_what_comes_before_the_answer_is_passed_over() -> None:
    async def story() -> None:
        early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
        async with asking([early, *ANSWER]) as (asker, _):
            assert await asker.ask() == "héllo wörld €"

    run(story)


@pytest.mark.parametrize(("pause", "connections"), [(0.0, 1), (0.01, 1), (0.3, 2)])
def test_a_connection_is_used_again_if_its_answer_ends_in_time(pause: float, connections: int) -> None:
    script = [HEAD, chunk(WHOLE + DONE), pause, END]

    async def story() -> None:
        async with asking(script) as (asker, server):
            assert await asker.ask() == "héllo wörld €"
            await asyncio.sleep(0.1)
            assert await asker.ask() == "héllo wörld €"
            assert server.connections == connections

    run(story)


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_an_encrypted_answer_comes_as_any_other(loop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small pieces, one larger than any record, and the connection used again."""
    authority, tls = certified()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    long = "wörld €" * 10_000
    pieces = [
        chunk(event(None)),
        *(chunk(event("é")) for _ in range(100)),
        chunk(event(long)),
        chunk(event("", "stop")),
    ]

    async def story() -> None:
        async with asking([HEAD, *pieces, chunk(DONE) + END], tls=tls) as (asker, server):
            for _ in range(2):
                assert await asker.ask() == "é" * 100 + long
            assert server.connections == 1

    run(story, loop=loop)


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing() -> None:
    async def story() -> None:
        async with asking(ANSWER, tls=certified()[1]) as (asker, server):
            with pytest.raises(UpstreamUnavailableError):
                await asker.ask()
            assert asker.fault is Fault.UNREACHABLE
            assert server.requests == []

    run(story)


def certified() -> tuple[trustme.CA, ssl.SSLContext]:
    """A new authority, and a server's side of TLS that it vouches for."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return authority, context


@pytest.mark.parametrize(
    "script",
    [[*ANSWER, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"],
     [HEAD.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"), *ANSWER[1:]]],
    ids=["says more than it was asked", "is to be closed"],
)  # fmt: skip
def test_a_connection_that_can_not_be_trusted_is_not_used_again(script: Sequence[Piece]) -> None:
    async def story() -> None:
        async with asking(script) as (asker, server):
            for _ in range(2):
                assert await asker.ask() == "héllo wörld €"
                await asyncio.sleep(0.05)
            assert server.connections == 2
            assert not asker.node.faults

    run(story)


def test_a_silence_is_not_waited_for_longer_than_is_set() -> None:
    async def story() -> None:
        async with asking([HEAD, chunk(event("said")), Act.HANG], stall_seconds=0.2) as (asker, server):
            with pytest.raises(UpstreamUnavailableError, match="broke off"):
                await asker.ask()
            assert asker.text == "said"
            assert asker.fault is Fault.BROKEN
            await server.left.wait()

    run(story)


def test_tokens_that_come_slowly_and_clients_that_read_slowly_are_no_silence() -> None:
    pieces: list[Piece] = [HEAD]
    for number in range(5):
        pieces += [chunk(event(f" {number}")), 0.08]
    pieces += [chunk(event("", "stop") + DONE), END]

    async def story() -> None:
        async with asking(pieces, stall_seconds=0.15) as (asker, _):
            slow = True

            def take(_: Sequence[Delta]) -> Coroutine[Any, Any, None] | None:
                nonlocal slow
                slow, wait = False, slow
                return asyncio.sleep(0.4) if wait else None

            assert await asker.ask(take) == " 0 1 2 3 4"
            assert not asker.node.faults

    run(story)


def test_a_reader_that_takes_nothing_holds_the_server_back() -> None:
    many = [chunk(event("x" * 60_000)) for _ in range(400)]  # 24 MB

    async def story() -> None:
        async with asking([HEAD, *many, chunk(event("", "stop") + DONE), END]) as (asker, server):
            may_go_on = asyncio.Event()

            def take(_: Sequence[Delta]) -> Coroutine[Any, Any, None] | None:
                return None if may_go_on.is_set() else wait(may_go_on.wait())

            async def wait(going: Awaitable[bool]) -> None:
                await going

            asked = asyncio.ensure_future(asker.ask(take))
            await until(lambda: len(asker.deltas) > 0)
            sent = -1
            while sent != server.sent_bytes:
                sent = server.sent_bytes
                await asyncio.sleep(0.1)
            assert sent < 16_000_000  # what the sockets' buffers take, and a little
            may_go_on.set()
            assert len(await asked) == 400 * 60_000

    run(story)


@pytest.mark.parametrize("head", [b"data: " + b"x" * 5_000, event(None)], ids=["one event", "nothing said"])
def test_an_answer_without_an_end_is_given_up(head: bytes) -> None:
    async def story() -> None:
        async with asking([HEAD, *[chunk(head)] * 400, Act.HANG], max_answer_bytes=20_000) as (asker, server):
            with pytest.raises((UpstreamRefusedError, UpstreamUnavailableError)):
                await asker.ask()
            assert asker.deltas == []
            await server.left.wait()

    run(story)


def test_whoever_goes_away_lets_the_server_know() -> None:
    async def story() -> None:
        async with asking([HEAD, chunk(event("said")), Act.HANG]) as (asker, server):
            asked = asyncio.ensure_future(asker.ask())
            await until(lambda: asker.text == "said")
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            await server.left.wait()
            assert (asker.pool.running, asker.node.units) == (0, 0)
            assert not asker.node.faults

    run(story)


def test_what_the_taker_finds_wrong_ends_the_answer_and_is_no_fault_of_the_node() -> None:
    def take(deltas: Sequence[Delta]) -> None:
        if deltas[0].choices[0]["delta"].get("content") == "two":
            raise ValueError("the taker's")

    async def story() -> None:
        async with asking([HEAD, chunk(event("one")), 0.02, chunk(event("two")), Act.HANG]) as (asker, server):
            with pytest.raises(ValueError, match="the taker's"):
                await asker.ask(take)
            await server.left.wait()
            assert not asker.node.faults

    run(story)


def test_a_node_that_is_not_there_is_out_of_reach() -> None:
    async def story() -> None:
        async with asking(ANSWER) as (asker, server):
            closed, encrypted = server.url.replace(str(server.port), "1"), server.url.replace("http:", "https:")
            for url in (closed, encrypted, "http://no..name:1/v1"):
                other = Asker(url)
                other.node.open()
                with pytest.raises(UpstreamUnavailableError):
                    await other.ask()
                assert other.fault is Fault.UNREACHABLE
                await other.node.close()
            assert await asker.ask() == "héllo wörld €"

    run(story)


def test_the_request_is_one_that_a_server_understands() -> None:
    async def story() -> None:
        async with asking(ANSWER) as (asker, server):
            await asker.ask(top_k=3)
            head, _, body = server.requests[0].partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            assert lines[0] == "POST /v1/chat/completions HTTP/1.1"
            assert f"host: 127.0.0.1:{server.port}" in lines
            assert {"accept-encoding: identity", "content-type: application/json"} <= set(lines)
            assert f"content-length: {len(body)}" in lines
            assert b'"top_k":3' in body

    run(story)
