"""An exchange with a server of which nothing can be relied on, least of all that it ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ledger.errors import MalformedAnswerError, UpstreamUnavailableError
from ledger.http_exchange import Answer, Bounds, exchange
from tests.chain import scripted_server

pytestmark = pytest.mark.chain

BOUNDS = Bounds(most_bytes=1_000, seconds=0.5, silent_seconds=0.3)


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Address of a server that does this with the connection it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65_536)
                answer(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def trickle(connection: socket.socket, head: bytes, piece: bytes) -> None:
    """Some bytes well within what a client takes for silence, again and again."""
    connection.sendall(head)
    for _ in range(400):
        connection.sendall(piece)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nx-slow: ", b"z"),
        (b"HTTP/1.1 200 OK\r\n", b"x-slow: z\r\n"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["in a header", "in headers", "in a body", "in chunks", "in promises"],
)
def test_an_answer_that_trickles_on_is_given_up_in_time(head: bytes, piece: bytes) -> None:
    began = time.monotonic()
    with answering(lambda connection: trickle(connection, head, piece)) as url:
        with pytest.raises(UpstreamUnavailableError, match="no whole answer within"):
            exchange("GET", url, BOUNDS)
        assert time.monotonic() - began < 5


def test_silence_is_given_up_sooner() -> None:
    with answering(lambda _: time.sleep(1)) as url, pytest.raises(UpstreamUnavailableError, match="ReadTimeout"):
        exchange("POST", url, BOUNDS._replace(seconds=60.0), content=b"{}")


def test_an_answer_that_is_too_long_is_not_held() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1000\r\n" + b"z" * 4096 + b"\r\n")

    with answering(flood) as url, pytest.raises(MalformedAnswerError, match="more than 1000 bytes"):
        exchange("GET", url, BOUNDS)


def test_what_was_sent_arrives_and_every_status_is_an_answer() -> None:
    def script(path: str, body: object) -> scripted_server.Answer:
        return scripted_server.Answer(404 if body else 200, path.encode(), {"content-encoding": "gzip"})

    with scripted_server.serve(script) as server:
        assert exchange("GET", f"{server.url}/a", BOUNDS) == Answer(200, b"/a")
        assert exchange("POST", f"{server.url}/b", BOUNDS, content=b'{"c": 1}') == Answer(404, b"/b")
        assert server.requests == ["/a", {"c": 1}]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nowhere", "http://[", "http://\0", "ftp://127.0.0.1"])
def test_nobody_there_is_said_in_one_sentence(url: str) -> None:
    with pytest.raises(UpstreamUnavailableError) as told:
        exchange("GET", url, BOUNDS)
    assert str(told.value).isprintable()
