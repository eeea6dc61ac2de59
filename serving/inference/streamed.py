"""Answers as a stream of server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from starlette.types import Send

from ledger.errors import TributaryError
from ledger.protocol.stripping import DONE, comment, mark_json
from serving.failures import failure_of
from serving.inference.answering import (
    CheckpointPace,
    Closer,
    Disconnected,
    each_delta,
    log_failure,
    run_while_connected,
)
from serving.inference.engine import Delta
from serving.inference.frames import sse
from serving.inference.open_request import OpenRequest
from serving.inference.whole import WholeDelivery
from serving.journal.pending import Ending

_log = structlog.get_logger(__name__)
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
_EVENT_END = b"\n\n"
CONNECTION: Final = "tributary.connection"
"""Extension of an ASGI scope: `write` writes a part of a response at once, or says that it has to be sent; `left` is a
`Disconnected`."""


def no_outlet(part: bytes) -> bool:  # noqa: ARG001  the interface's
    """For servers that have none."""
    return False


@dataclass
class StreamDelivery:
    """Sends an answer while it is produced, and its receipt at the end."""

    request: OpenRequest
    closer: Closer
    send: Send
    pace: CheckpointPace
    outlet: Callable[[bytes], bool] = no_outlet
    """Writes a part at once, if that is possible."""
    begun: set[int] = field(default_factory=set)
    """Choices of which something was sent."""
    headed: bool = False
    """Whether the response's head was sent."""
    _uncounted: list[Delta] = field(default_factory=list)
    _unhashed: list[bytes] = field(default_factory=list)

    async def deliver(self, disconnected: Disconnected) -> None:
        """Streams until the answer ends, fails or is cut off; each of them closes the request.

        What counts as produced is what was handed to the connection: a token that the engine drew and that was not
        written out is not charged.
        """
        request = self.request
        try:
            try:
                course = await run_while_connected(each_delta(request, self._take), disconnected)
            finally:
                self._count()
        except asyncio.CancelledError:  # the gateway shuts down: what was sent is what there is
            self.closer.end(request, request.closing("client_disconnect"))
            raise
        if course.error is not None:
            await self._fail(course.error)
        elif course.outcome == "client_disconnect":
            await self.closer.close(request, course.outcome)
        else:
            await self._end()

    def _take(self, deltas: Sequence[Delta]) -> Coroutine[Any, Any, None] | None:
        produced = self._produced(deltas)
        if produced and not (self.headed and self._write_at_once(produced)):
            return self._take_slowly(deltas, produced)
        return self._wrote(deltas, produced)

    async def _take_slowly(self, deltas: Sequence[Delta], produced: bytes) -> None:
        """The same where the head comes first, or earlier bytes have not all left yet."""
        if not self.headed:
            await self._begin()
        await self._write(produced)
        due = self._wrote(deltas, produced)
        if due is not None:
            await due

    def _wrote(self, deltas: Sequence[Delta], produced: bytes) -> Coroutine[Any, Any, None] | None:
        """Only once they are written, so that bytes which a dead connection never took are not charged.

        They are hashed and put together when somebody wants to know, which comes to less than doing it a token at a time.
        """
        self._uncounted += deltas
        self._unhashed.append(produced)
        return self._checkpoint() if self.headed and self.pace.due() else None

    def _count(self) -> None:
        """Takes into the meter all that was written."""
        if not self._uncounted:
            return
        request, deltas = self.request, self._uncounted
        request.meter.add(b"".join(self._unhashed), request.bounded(deltas[-1].output_units))
        for delta in deltas:
            request.choices.add(delta.choices)
        self._uncounted, self._unhashed = [], []

    def _produced(self, deltas: Sequence[Delta]) -> bytes:
        """The events of what has any; the last delta of an answer only says what all that was sent amounts to."""
        parts = []
        for delta in deltas:
            for choice in delta.choices:
                if choice["index"] not in self.begun:
                    self.begun.add(choice["index"])
                    if "role" not in choice.get("delta", ()):  # nobody said who speaks; some engines say it themselves
                        parts.append(self.request.frames.opening(choice["index"]))
            if delta.choices or delta.members:
                parts.append(self.request.frames.chunk(delta.choices, delta.members))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _checkpoint(self) -> None:
        await self._write(b"")  # returns once everything before it has left this process
        self._count()
        self.closer.journal.checkpoint(self.request.checkpoint())

    async def _end(self) -> None:
        """The usage event if it was asked for, the receipt, the end mark."""
        request = self.request
        usage_event, done = request.frames.ending(request.usage)
        if not self.headed:
            await self._begin()
        await self._close_and_send("complete", usage_event, done)

    async def _fail(self, error: Exception) -> None:
        """Before the first byte an ordinary error answer, after it an error event."""
        if not self.headed:
            await WholeDelivery(self.request, self.closer, self.send).fail(error)
            return
        log_failure(self.request, error)
        await self._close_and_send("engine_error", sse(failure_of(error).content), DONE)

    async def _close_and_send(self, outcome: str, event: bytes, done: bytes) -> None:
        self.request.meter.add(event + done)
        ending = await self.closer.close(self.request, outcome)
        member = await self._member(ending)
        if member is not None:
            if outcome == "complete" and event:
                event = mark_json(event.removesuffix(_EVENT_END), member) + _EVENT_END
            event += comment(member)
        await self.send({"type": "http.response.body", "body": event + done})

    async def _member(self, ending: Ending) -> bytes | None:
        """The receipt; None if it can't be had now, since an answer that was streamed can't be taken back.

        It is issued when the database is back, and found at /v1/receipts/{request id}.
        """
        try:
            return (await self.closer.issued(ending)).member()
        except TributaryError as error:
            _log.error("receipt_delayed", request_id=self.request.intent.request_id, error=str(error))
            return None

    async def _begin(self) -> None:
        self.headed = True
        fields = {**_HEADERS, "x-request-id": self.request.intent.request_id}
        head = [(name.encode(), value.encode()) for name, value in fields.items()]
        await self.send({"type": "http.response.start", "status": 200, "headers": head})

    def _write_at_once(self, some: bytes) -> bool:
        """Whether it was written; if not, `_write` waits until it can be."""
        return self.outlet(some)

    async def _write(self, some: bytes) -> None:
        await self.send({"type": "http.response.body", "body": some, "more_body": True})
