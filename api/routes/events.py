"""GET /v1/events: server-sent events, so that a page need not ask again and again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.events import Movements
from api.parameters import ADDRESS_PATTERN, optional_address
from api.queries import contributors as queries
from api.reading import begin_snapshot
from ledger.errors import NotYetFinalError
from ledger.protocol.units import MAX_U40

router = APIRouter(tags=["events"])


@router.get("/events", response_class=EventSourceResponse)
async def events(
    request: Request, contributor: Annotated[str | None, Query(pattern=ADDRESS_PATTERN)] = None
) -> AsyncIterator[ServerSentEvent]:
    """`change` whenever the ledger has moved; `earnings` when this contributor has earned.

    A `change` has the newest L2 block and how often blocks of either chain were rolled back so far.

    Both come once at the start. An `earnings` event holds exact numerators over 10^30: `settled` from batches that are
    final on L2, `open` from those that can still be challenged, at the newest block.
    """
    who = optional_address(contributor)
    movements: Movements = request.app.state.movements
    earned: dict[str, str] | None = None
    books: tuple[object, ...] | None = None
    async for mark in movements.marks():
        yield ServerSentEvent(event="change", data={"block": mark.block, "reorgs": mark.reorgs})
        if who is None or mark.books == books:
            continue
        books = mark.books
        async with movements.turns:
            now = await run_in_threadpool(_earned, request, who)
        if now != earned:
            earned = now
            yield ServerSentEvent(event="earnings", data=now)


def _earned(request: Request, payee: bytes) -> dict[str, str]:
    with request.app.state.sessions() as session:
        try:
            rows = queries.earnings(begin_snapshot(session), payee, 0, MAX_U40)
        except NotYetFinalError:
            rows = []
    return {
        "settled": str(sum(int(row.settled_unsafe or 0) for row in rows)),
        "open": str(sum(int(row.open_unsafe or 0) for row in rows)),
    }
