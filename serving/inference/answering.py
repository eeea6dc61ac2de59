"""Producing an answer while its client listens, and closing it whatever happens."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import structlog

from ledger.errors import DatabaseUnavailableError, TributaryError, UsageError
from serving.inference.attribution import Attributor
from serving.inference.engine import Delta, Take
from serving.inference.open_request import OpenRequest, undelivered
from serving.journal.pending import Ending
from serving.journal.records import Closing, Issued
from serving.journal.writer import Journal

_log = structlog.get_logger(__name__)

Disconnected = Callable[[Callable[[], None]], Callable[[], object]]
"""Calls back once the client is gone; returns what ends the waiting for that."""


@dataclass(frozen=True)
class Closer:
    """Turns ended requests into receipts."""

    journal: Journal
    attributor: Attributor
    wait_seconds: float

    async def close(self, request: OpenRequest, outcome: str, *, status: int = 200) -> Ending:
        """The ending on its way into the journal."""
        attribution = await request.attribution(self.attributor, outcome)
        return self.end(request, request.closing(outcome, attribution, status=status))

    def end(self, request: OpenRequest, closing: Closing) -> Ending:
        """The same at once."""
        request.closed = True
        return self.journal.close(closing)

    async def issued(self, ending: Ending) -> Issued:
        """The receipt, once it is durable.

        Raises:
            DatabaseUnavailableError: not within the wait; it follows when PostgreSQL is back.
        """
        try:
            return await asyncio.wait_for(asyncio.shield(ending.issued), self.wait_seconds)
        except TimeoutError as error:
            raise DatabaseUnavailableError("The receipt could not be kept yet: the database is away.") from error

    async def issued_or_free(self, ending: Ending, empty_hash: bytes) -> Issued:
        """As `issued`; but if it does not come in time the request ends for nothing, since nothing is delivered."""
        try:
            return await self.issued(ending)
        except DatabaseUnavailableError:
            ending.closing = undelivered(ending.closing, empty_hash)
            raise


@dataclass(slots=True)
class Course:
    """How producing an answer went."""

    outcome: str
    error: Exception | None = None


async def run_while_connected(work: Coroutine[Any, Any, None], disconnected: Disconnected | None) -> Course:
    """Does the work until it is done, fails, or the client is gone (never, if `disconnected` is None).

    In the caller's own task: a task for each of the two, and one more wait, would cost every request some of its time.
    """
    watch = None if disconnected is None else _Watch(disconnected)
    try:
        await work
    except asyncio.CancelledError:
        if watch is not None and watch.is_the_cause():
            return Course("client_disconnect")
        raise
    except Exception as error:  # noqa: BLE001  it becomes the answer's end
        return Course("engine_error", error)
    finally:
        if watch is not None:
            watch.end()
    return Course("complete")


class _Watch:
    """Cancels the task that made it when the client is gone, until it is ended."""

    def __init__(self, disconnected: Disconnected) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._gone = False
        self._over = False
        self._end = disconnected(self._left)

    def is_the_cause(self) -> bool:
        """Whether this, and nobody else, cancelled the task; then it goes on."""
        return self._gone and self._task.uncancel() == 0

    def end(self) -> None:
        self._over = True
        self._end()

    def _left(self) -> None:
        if not self._over and not self._gone:
            self._gone = True
            self._task.cancel()


async def each_delta(request: OpenRequest, take: Take) -> None:
    """Hands every delta on, and keeps what the receipt needs of it."""

    def note(deltas: Sequence[Delta]) -> Coroutine[Any, Any, None] | None:
        last = deltas[-1]
        if last.input_units is not None:
            request.meter.input_units = last.input_units
        if last.details is not None:
            request.details = last.details
        return take(deltas)

    async with aclosing(request.admission.deltas()) as steps:
        async for step in steps:
            if isinstance(step, Delta):
                waiting = note((step,))
                if waiting is not None:
                    await waiting
            else:
                await step.into(note)


def log_failure(request: OpenRequest, error: Exception) -> None:
    """One line for the operator; what a client sees says less."""
    known = isinstance(error, TributaryError)
    log = _log.info if isinstance(error, UsageError) else _log.error
    log(
        "answer_failed",
        request_id=request.intent.request_id,
        model=request.intent.model,
        error=str(error) if known else repr(error),
        # Formatted here: a renderer that shows local variables would show prompts.
        trace=None if known else "".join(traceback.format_exception(error)),
    )


class CheckpointPace:
    """Says when a stream's next checkpoint is due."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
