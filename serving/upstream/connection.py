"""One HTTP connection to a node: a request goes out, and its answer is handed on as it arrives, within the same call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import httptools
from typing_extensions import override

from serving.upstream.errors import Fault, NodeFailedError

_MOST_HEAD_BYTES: Final = 1 << 17
_SWITCHING, _FIRST_FINAL = 101, 200


class Receiver(Protocol):
    """Takes an answer in. After `ended` or `failed` nothing more comes; none of these may raise."""

    def begun(self, status: int, headers: Mapping[str, str]) -> None:
        """The head is there; names are in small letters."""

    def took(self, some: bytes) -> None:
        """The next bytes of the body."""

    def ended(self) -> None:
        """The body is whole."""

    def failed(self, failure: NodeFailedError) -> None:
        """The connection broke, or what came is not HTTP."""


class Connection(asyncio.Protocol):
    """Carries one request at a time; given back once an answer is whole and the node keeps the connection.

    The parser is llhttp's: chunks, lengths, and bodies that end with their connection are its work.
    """

    def __init__(self, give_back: Callable[[Connection], None]) -> None:
        """Take what is called when the connection is free again."""
        self.idle_since = 0.0
        self._give_back = give_back
        self._receiver: Receiver | None = None
        self._transport: Any = None
        self._parser: Any = None
        self._loop = asyncio.get_running_loop()
        self._draining: asyncio.TimerHandle | None = None
        self._paused = False
        self._reset()

    def _reset(self) -> None:
        self._headers: dict[str, str] = {}
        self._headed = False
        self._status = 0
        self._head_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether another request can go over it."""
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes, receiver: Receiver) -> None:
        """Sends a whole request; its answer goes to the receiver."""
        self._reset()
        self._parser = httptools.HttpResponseParser(self)
        self._receiver = receiver
        self._transport.write(request)

    def leave(self, seconds: float) -> None:
        """Nothing more of the answer is wanted: it may end within the time, for the connection to be used again."""
        if self._receiver is None:
            return
        self._receiver = None
        self._draining = self._loop.call_later(seconds, self.close)

    def close(self) -> None:
        """Ends it at once, so that the node stops working."""
        self._receiver = None
        self._stop_draining()
        if self._transport is not None:
            self._transport.abort()

    def pause(self) -> None:
        """Lets the node wait: nothing more is read."""
        if self.is_open and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Reads on."""
        if self.is_open and self._paused:
            self._paused = False
            self._transport.resume_reading()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    @override
    def data_received(self, data: bytes) -> None:
        if self._receiver is None and self._draining is None:
            self.close()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._break(NodeFailedError(Fault.GARBAGE, f"The node does not speak HTTP: {error}."))
            return
        if not self._headed and self._parser is not None:
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES:
                self._break(NodeFailedError(Fault.GARBAGE, "The head of the node's answer does not end."))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_draining()
        if exc is None and self._ends_with_connection and self._receiver is not None:
            receiver, self._receiver = self._receiver, None
            receiver.ended()
            return
        said = f": {type(exc).__name__} {exc}".rstrip() if exc is not None else " in the middle of the answer"
        self._break(NodeFailedError(Fault.BROKEN, f"The connection to the node broke{said}."))

    @property
    def _ends_with_connection(self) -> bool:
        framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        return self._headed and not framed

    def on_message_begin(self) -> None:
        if self._receiver is None and self._draining is None:
            self.close()  # an answer to nothing, behind one that is over

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._headed:  # afterwards come trailers, which nobody wants
            self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._status < _FIRST_FINAL:
            self._headers = {}
            return
        self._headed = True
        if self._receiver is not None:
            self._receiver.begun(self._status, self._headers)

    def on_body(self, some: bytes) -> None:
        if self._receiver is not None:
            self._receiver.took(some)

    def on_message_complete(self) -> None:
        if self._status < _FIRST_FINAL or (self._receiver is None and self._draining is None):
            return
        receiver, self._receiver = self._receiver, None
        self._stop_draining()
        if self._parser.should_keep_alive() and self.is_open:
            self.resume()
            self._give_back(self)
        else:
            self.close()
        if receiver is not None:
            receiver.ended()

    def _break(self, failure: NodeFailedError) -> None:
        receiver, self._receiver = self._receiver, None
        self.close()
        if receiver is not None:
            receiver.failed(failure)

    def _stop_draining(self) -> None:
        if self._draining is not None:
            self._draining.cancel()
            self._draining = None
