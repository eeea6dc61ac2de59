"""What is an answer and what is none, whatever a server's bytes are and however they come."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from serving.errors import UpstreamRefusedError, UpstreamUnavailableError
from serving.upstream.errors import Fault
from tests.e2e.serving.asking import ANSWER, DONE, END, HEAD, WHOLE, asking, chunk, event, run
from tests.factories.scripted_node import Act, Piece

pytestmark = pytest.mark.e2e


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


@pytest.mark.parametrize("head", [b"data: " + b"x" * 5_000, event(None)], ids=["one event", "nothing said"])
def test_an_answer_without_an_end_is_given_up(head: bytes) -> None:
    async def story() -> None:
        async with asking([HEAD, *[chunk(head)] * 400, Act.HANG], max_answer_bytes=20_000) as (asker, server):
            with pytest.raises((UpstreamRefusedError, UpstreamUnavailableError)):
                await asker.ask()
            assert asker.deltas == []
            await server.left.wait()

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
