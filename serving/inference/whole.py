"""Answers in one piece."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import to_json
from starlette.types import Send

from ledger.protocol.stripping import mark_json
from serving.failures import failure_of
from serving.inference.answering import Closer, Disconnected, each_delta, log_failure, run_while_connected
from serving.inference.engine import Delta
from serving.inference.open_request import OpenRequest, undelivered
from serving.journal.records import Issued


async def send_json(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """A whole JSON response."""
    fields = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    head = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


@dataclass(frozen=True)
class WholeDelivery:
    """Produces an answer, closes its request, and sends it with its receipt."""

    request: OpenRequest
    closer: Closer
    send: Send

    async def deliver(self, disconnected: Disconnected) -> None:
        """Sends the answer, or what went wrong; either way with the request's one receipt.

        A client that gives up is charged for what was produced until then. With an Idempotency-Key it has said that it
        will ask again, so the answer is produced to its end and kept.
        """
        request = self.request
        try:
            course = await run_while_connected(each_delta(request, self._take), None if request.keyed else disconnected)
        except asyncio.CancelledError:  # the gateway shuts down: nothing was delivered
            free = undelivered(request.closing("client_disconnect"), request.intent.response_hash)
            self.closer.end(request, free)
            raise
        if course.error is not None:
            await self.fail(course.error)
            return
        body = request.frames.body(request.choices.choices(), request.usage, request.members)
        request.meter.add(body)
        ending = await self.closer.close(request, course.outcome)
        if course.outcome == "complete":
            issued = await self.closer.issued_or_free(ending, request.intent.response_hash)
            await self._send(200, body, issued, {})

    async def fail(self, error: Exception) -> None:
        """Answers with the error and a receipt over nothing payable."""
        log_failure(self.request, error)
        failure = failure_of(error)
        body = to_json(failure.content)
        self.request.meter.add(body)
        ending = await self.closer.close(self.request, "engine_error", status=failure.status)
        issued = await self.closer.issued(ending)
        await self._send(failure.status, body, issued, failure.headers)

    def _take(self, deltas: Sequence[Delta]) -> None:
        for delta in deltas:
            if delta.whole:
                self.request.choices.take(delta.choices)
                self.request.members = delta.members
            else:
                self.request.choices.add(delta.choices)
        self.request.meter.output_units = self.request.bounded(deltas[-1].output_units)

    async def _send(self, status: int, body: bytes, issued: Issued, headers: Mapping[str, str]) -> None:
        identified = {"x-request-id": self.request.intent.request_id, **headers}
        await send_json(self.send, status, mark_json(body, issued.member()), identified)
