"""Answers as a stream of server-sent events."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

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


@dataclass
class StreamDelivery:
    """Sends an answer while it is produced, and its receipt at the end."""

    request: OpenRequest
    closer: Closer
    send: Send
    pace: CheckpointPace
    begun: set[int] = field(default_factory=set)
    """Choices of which something was sent."""
    headed: bool = False
    """Whether the response's head was sent."""

    async def deliver(self, disconnected: Disconnected) -> None:
        """Streams until the answer ends, fails or is cut off; each of them closes the request.

        What counts as produced is what was handed to the connection: a token that the engine drew and that was not
        written out is not charged.
        """
        request = self.request
        try:
            course = await run_while_connected(each_delta(request, self._take), disconnected)
        except asyncio.CancelledError:  # the gateway shuts down: what was sent is what there is
            self.closer.end(request, request.closing("client_disconnect"))
            raise
        if course.error is not None:
            await self._fail(course.error)
        elif course.outcome == "client_disconnect":
            await self.closer.close(request, course.outcome)
        else:
            await self._end()

    async def _take(self, delta: Delta) -> None:
        request = self.request
        if not delta.choices and not delta.members:  # what all that was sent amounts to
            request.meter.output_units = request.bounded(delta.output_units)
            return
        if not self.headed:
            await self._begin()
        produced = b"".join(request.frames.opening(c["index"]) for c in delta.choices if self._lacks_opening(c))
        self.begun.update(choice["index"] for choice in delta.choices)
        produced += request.frames.chunk(delta.choices, delta.members)
        await self._write(produced)
        # Only now, so that bytes which a dead connection never took are not charged.
        request.meter.add(produced, request.bounded(delta.output_units))
        request.choices.add(delta.choices)
        if self.pace.due():
            await self._write(b"")  # returns once everything before it has left this process
            self.closer.journal.checkpoint(request.checkpoint())

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

    def _lacks_opening(self, choice: dict[str, Any]) -> bool:
        """Whether nobody said yet who speaks in this choice; some engines say so themselves."""
        return choice["index"] not in self.begun and "role" not in choice.get("delta", ())

    async def _begin(self) -> None:
        self.headed = True
        fields = {**_HEADERS, "x-request-id": self.request.intent.request_id}
        head = [(name.encode(), value.encode()) for name, value in fields.items()]
        await self.send({"type": "http.response.start", "status": 200, "headers": head})

    async def _write(self, some: bytes) -> None:
        await self.send({"type": "http.response.body", "body": some, "more_body": True})
