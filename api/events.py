"""Telling readers that the ledger has moved: one look at the heads for all of them, every other second."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from ledger.errors import OverloadedError, TributaryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.orm import sessionmaker

    from ledger.db.session import ReadSession

_log = structlog.get_logger()

# Whatever a page shows hangs on these: blocks of both chains, verified batches, distributions.
# What anybody earns hangs on the batches alone; each part of the mark is the end of an index.
_MARK = text("""
    SELECT (SELECT string_agg(chain_id || tag || number || encode(hash, 'hex'), ',' ORDER BY chain_id, tag) FROM heads)
           AS heads,
           (SELECT count(*) FROM batches WHERE verdict = 'pending') AS unread,
           (SELECT max(distribution_id) FROM distributions) AS distribution,
           (SELECT max(block_number) FROM batches) AS committed,
           (SELECT max(finalized_block_number) FROM batches) AS finalized,
           (SELECT max(voided_block_number) FROM batches) AS voided,
           (SELECT sum(reorgs) FROM cursors) AS reorgs,
           (SELECT number FROM heads h JOIN deployments d ON h.chain_id = d.l2_chain_id WHERE tag = 'latest') AS block
""")


AT_ONCE: Final = 3
"""Listeners that read the database at the same time."""


class Mark(NamedTuple):
    """What the ledger looked like."""

    fingerprint: tuple[object, ...]
    books: tuple[object, ...]
    """As long as it is the same, nobody has earned or lost anything."""
    block: int | None
    reorgs: int


class Movements:
    """Watches the ledger while anybody listens. For one event loop."""

    def __init__(self, sessions: sessionmaker[ReadSession], most_listeners: int, seconds: float) -> None:
        self._sessions = sessions
        self._most_listeners = most_listeners
        self._seconds = seconds
        self._listeners = 0
        self._moved = asyncio.Condition()
        self._mark: Mark | None = None
        self._watch: asyncio.Task[None] | None = None
        self.turns = asyncio.Semaphore(AT_ONCE)
        """Held by a listener that reads its own figures: a batch moves all of them in one moment."""

    async def marks(self) -> AsyncIterator[Mark]:
        """The ledger as it is, then each time that it has moved.

        Raises:
            OverloadedError: too many readers listen already.
        """
        if self._listeners >= self._most_listeners:
            raise OverloadedError("Too many pages are listening; read again in a while instead.", self._seconds * 15)
        self._listeners += 1
        try:
            if self._watch is None or self._watch.done():
                self._watch = asyncio.create_task(self._look())
            seen: Mark | None = None
            while True:
                async with self._moved:
                    while self._mark is None or self._mark == seen:
                        await self._moved.wait()
                    seen = self._mark
                yield seen
        finally:
            self._listeners -= 1

    async def _look(self) -> None:
        while self._listeners:
            try:
                found = await run_in_threadpool(self._read)
            except (SQLAlchemyError, TributaryError) as error:
                _log.info("ledger_not_read", reason=str(error))
            else:
                async with self._moved:
                    self._mark = found
                    self._moved.notify_all()
            await asyncio.sleep(self._seconds)

    def _read(self) -> Mark:
        with self._sessions() as session:
            row = session.execute(_MARK).one()
        books = (row.unread, row.committed, row.finalized, row.voided, row.reorgs)
        return Mark((row.heads, row.distribution, *books), books, row.block, int(row.reorgs or 0))

    async def close(self) -> None:
        """End the watch."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
