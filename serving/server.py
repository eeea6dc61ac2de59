"""uvicorn, set so that what was written is what has left."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import cast

import uvicorn
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from ledger.http_server import bind
from serving.app import create_app
from serving.gateway import Gateway
from serving.inference.streamed import CONNECTION


class UnbufferedProtocol(HttpToolsProtocol):
    """HTTP over a transport that keeps nothing back.

    A response's next bytes are taken only once the operating system has all earlier ones. So a checkpoint made after a
    write covers bytes that have left the process, and a slow reader holds its own stream back instead of our memory.
    """

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if getattr(self.cycle, "scope", None) is self.scope:  # else it became no HTTP request
            outlet = Outlet(self.cycle, self.watchers)
            self.scope["extensions"] = {CONNECTION: {"write": outlet.write, "left": outlet.left}}

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for gone in list(self.watchers):
            gone()

    @cached_property
    def watchers(self) -> set[Callable[[], None]]:
        """Called when the connection is gone."""
        return set()


class Outlet:
    """One response's way past the ASGI messages.

    They are for its first part, its last, and those that have to wait. A message for each token, and a task that waits
    for the client to leave, are a good part of what a paced answer costs.
    """

    __slots__ = ("_cycle", "_watchers")

    def __init__(self, cycle: RequestResponseCycle, watchers: set[Callable[[], None]]) -> None:
        """Take the response, and who is called when its connection is gone."""
        self._cycle = cycle
        self._watchers = watchers

    def write(self, part: bytes) -> bool:
        """True if the part, which must not be empty, was written; False if it has to be sent as a message.

        Only for answers of unknown length, where nothing has to be waited for.
        """
        cycle = self._cycle
        if cycle.flow.write_paused or cycle.disconnected or cycle.response_complete or not cycle.chunked_encoding:
            return False
        cycle.transport.write(b"%x\r\n%b\r\n" % (len(part), part))
        return True

    def left(self, gone: Callable[[], None]) -> Callable[[], object]:
        """Calls once the client is gone; returns what ends that."""
        self._cycle.flow.resume_reading()  # of a connection that is not read nobody learns that it ended
        if self._cycle.transport.is_closing():
            asyncio.get_running_loop().call_soon(gone)
        self._watchers.add(gone)
        return lambda: self._watchers.discard(gone)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises as `bind`."""
    listener = bind(host, port)
    listener.listen(2048)
    return listener


class GatewayServer(uvicorn.Server):
    """A server whose stopping is ours: the gateway still has receipts to write when the last connection ends."""

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(gateway: Gateway, listener: socket.socket, on_started: Callable[[], None] = lambda: None) -> None:
    """Serves until a signal, or until the gateway may not write any more.

    Open answers run on for `shutdown_seconds`; those that do not end by then are closed for what was sent.

    Raises:
        TributaryError: the gateway could not start, or why it had to stop.
    """
    server = GatewayServer(_config(gateway))
    gateway.on_fatal = lambda: setattr(server, "should_exit", True)
    try:
        await gateway.start()
        with _stopped_by_signals(server):
            on_started()
            await server.serve(sockets=[listener])
    finally:
        await gateway.stop()
    failure = gateway.journal.failure or gateway.follower.failure
    if failure is not None:
        raise failure


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """SIGINT and SIGTERM ask the server to end; a second one does not wait for open answers."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    numbers = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _config(gateway: Gateway) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(gateway),
        http=UnbufferedProtocol,
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=gateway.settings.shutdown_seconds,
        timeout_keep_alive=75,
        backlog=2048,
    )


def port_of(listener: socket.socket) -> int:
    """The port that a socket listens on."""
    return cast("int", listener.getsockname()[1])
