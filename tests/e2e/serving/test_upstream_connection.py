"""Connections to one server: used again, encrypted, silent, held back, ended and not there."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from serving.errors import UpstreamUnavailableError
from serving.inference.engine import Delta
from serving.upstream.errors import Fault
from tests.e2e.serving.asking import ANSWER, DONE, END, HEAD, WHOLE, Asker, asking, chunk, event, run
from tests.factories.scripted_node import Act, Piece

pytestmark = pytest.mark.e2e


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  what is waited for happens to others
        await asyncio.sleep(0.005)


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
