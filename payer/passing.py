"""An answer on its way to the client; it settles its request before its end leaves.

What ends it leaves once its receipt is on disk, so that no kill loses one. The two streams differ in how they wait, and
in nothing else.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx
from typing_extensions import override

from payer.settling import Came

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from payer.purse import Purse, Sending

_EVENTS: Final = "text/event-stream"
_LONGEST_END: Final = 64
"""Bytes in which a stream's end mark stands with the blank lines after it."""


class _Passing:
    """What has come of an answer, what of it may leave, and what it came to."""

    def __init__(
        self, response: httpx.Response, purse: Purse, sending: Sending, ended: Callable[[Sending], None]
    ) -> None:
        """Take the answer and its request; `ended` is told if the gateway is done with the request."""
        self._response = response
        self._stream: Any = response.stream
        self._purse = purse
        self._sending = sending
        self._ended = ended
        self._answer = bytearray()
        self._held = b""
        self._settled = False

    def _leaving(self, chunk: bytes) -> Iterator[bytes]:
        """What may leave now that this has come: all but a chunk that may be the last one."""
        if self._held:
            yield self._held
        self._answer += chunk
        self._held = chunk if self._may_be_all() else b""
        if not self._held:
            yield chunk

    def _may_be_all(self) -> bool:
        """Whether the client could take what has come for the whole answer, and stop reading."""
        return _has_end_mark(self._answer) if _is_stream(self._response) else True

    def _came_once(self, *, whole: bool) -> Came | None:
        """What came, to settle the request by; None if that was asked before."""
        if self._settled:
            return None
        self._settled = True
        return came_of(self._response, bytes(self._answer), whole=whole)


class PassingAnswer(_Passing, httpx.SyncByteStream):
    """To a synchronous client."""

    @override
    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield from self._leaving(chunk)
        self._settle(whole=True)
        if self._held:
            yield self._held

    @override
    def close(self) -> None:
        self._stream.close()
        self._settle(whole=False)

    def _settle(self, *, whole: bool) -> None:
        came = self._came_once(whole=whole)
        if came is not None and self._purse.settle(self._sending, came):
            self._ended(self._sending)


class AsyncPassingAnswer(_Passing, httpx.AsyncByteStream):
    """To an asynchronous client; whatever blocks does so in a thread."""

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for leaving in self._leaving(chunk):
                yield leaving
        await self._settle(whole=True)
        if self._held:
            yield self._held

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()
        await self._settle(whole=False)

    async def _settle(self, *, whole: bool) -> None:
        came = self._came_once(whole=whole)
        if came is not None and await asyncio.to_thread(self._purse.settle, self._sending, came):
            self._ended(self._sending)


def came_of(response: httpx.Response, answer: bytes, *, whole: bool) -> Came:
    """What came back for a request; `whole` says that the connection was not cut before its end."""
    streamed = _is_stream(response)
    # A stream is whole with its end mark: clients stop reading there, and one that lacks it was cut on its way.
    return Came(response.status_code, answer, streamed, _has_end_mark(answer) if streamed else whole)


def _is_stream(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith(_EVENTS)


def _has_end_mark(answer: bytes | bytearray) -> bool:
    return answer[-_LONGEST_END:].rstrip().endswith(b"data: [DONE]")
