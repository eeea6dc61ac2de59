"""The journal: one task commits what waits, a group at a time, and outlives PostgreSQL's absences."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
import structlog
from psycopg import errors

from ledger.errors import DatabaseUnavailableError, LaneFencedError, ProtocolError
from serving.journal import store
from serving.journal.lane import Connection, HeldLane, LaneIdentity, lock_lane, read_lane, resume_lane, take_lane
from serving.journal.pending import Ending, Group, Opening, Pending
from serving.journal.reconciliation import settle
from serving.journal.records import Checkpoint, Closing, Issued, NewIntent
from serving.journal.signing import ReceiptSigner

_LOST = (psycopg.OperationalError, psycopg.InterfaceError, DatabaseUnavailableError)
_REFUSED = (psycopg.Error, ProtocolError, ValueError, struct.error)
_RETRY_SECONDS = (0.05, 0.1, 0.2, 0.5, 1.0)
_AWAY = "The gateway's database is away, so no receipt could be kept; nothing was charged."
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class JournalSettings:
    """Where the journal is, and its pace."""

    database_url: str
    holder: str
    checkpoint_seconds: float = 1.0
    retention_seconds: int = 86_400
    lock_wait_seconds: float = 3.0
    """How long the connection of a process that was killed may hold the lane after it."""


class Journal:
    """Opens and closes requests durably, for the one lane that this process holds."""

    def __init__(self, settings: JournalSettings, identity: LaneIdentity, signer: ReceiptSigner) -> None:
        self.signer = signer
        self.identity = identity
        self.failure: Exception | None = None
        """Why this process may write no more, once it may not."""
        self.on_failure: Callable[[Exception], None] = lambda _error: None
        self.on_commit: Callable[[int, Sequence[Issued]], None] = lambda _opened, _issued: None
        self._settings = settings
        self._pending = Pending()
        self._connection: Connection | None = None
        self._held: HeldLane | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._abandoned: list[str] = []

    @property
    def held(self) -> HeldLane:
        """The lane as this process holds it."""
        if self._held is None:
            raise LaneFencedError(f"{self.identity.name} is not held.")
        return self._held

    @property
    def next_seq(self) -> int:
        """The next receipt's place; 0 before the lane is held."""
        return 0 if self._held is None else self._held.next_seq

    @property
    def available(self) -> bool:
        """Whether a request can be opened now."""
        return self._connection is not None and self.failure is None

    async def start(self, chain_next_seq: int) -> None:
        """Takes the lane and starts to write.

        Args:
            chain_next_seq: ReceiptLedger.nextSeq of the lane.

        Raises:
            DatabaseUnavailableError: PostgreSQL does not answer.
            LaneFencedError: another gateway has the lane.
            SettingsError: the lane can't be continued in this database.
        """
        try:
            self._connection = await store.connect(self._settings.database_url)
            await self._lock(self._connection)
            self._held = await take_lane(self._connection, self.identity, self._settings.holder, chain_next_seq)
        except BaseException as error:
            await self.stop()
            if isinstance(error, psycopg.Error):
                sentence = f"PostgreSQL does not serve the gateway: {_first_line(error)}."
                raise DatabaseUnavailableError(sentence) from error
            raise
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._tick())]

    async def _lock(self, connection: Connection) -> None:
        deadline = asyncio.get_running_loop().time() + self._settings.lock_wait_seconds
        while True:
            try:
                return await lock_lane(connection, self.identity)
            except LaneFencedError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def stop(self, drain_seconds: float = 10.0) -> None:
        """Writes what waits, as far as that succeeds within the time, and gives the lane back."""
        if self.failure is None:
            await self._pending.drained(drain_seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def open(self, intent: NewIntent) -> bool:
        """True once the intent is durable; False if the payer's account can't hold it or the request is known.

        If the caller goes away in between, an intent that was written is removed again.

        Raises:
            DatabaseUnavailableError: PostgreSQL is away; nothing was opened.
            LaneFencedError: another gateway took the lane.
        """
        if self.failure is not None:
            raise self.failure
        if self._connection is None:
            raise DatabaseUnavailableError(_AWAY)
        opened = self._pending.open(intent).opened
        try:
            return await opened
        except asyncio.CancelledError:
            # The writer told it already, and the caller left before it heard: nobody else removes the intent.
            if not opened.cancelled() and opened.exception() is None and opened.result():
                self._abandoned.append(intent.request_id)
            raise

    def close(self, closing: Closing) -> Ending:
        """The ending on its way; its future gives the receipt once it is durable, however long that takes."""
        ending = self._pending.close(closing)
        if self.failure is not None:
            ending.reject(self.failure)
        return ending

    def checkpoint(self, checkpoint: Checkpoint) -> None:
        """Notes what has left; it is written within `checkpoint_seconds`."""
        self._pending.checkpoint(checkpoint)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._settings.checkpoint_seconds)
            self._pending.call()

    async def _write(self) -> None:
        try:
            while True:
                await self._write_group(await self._pending.next_group())
        except Exception as error:  # noqa: BLE001  whatever stops the writer must stop the gateway
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        _log.error("journal_stopped", error=_first_line(error))
        self.failure = error
        self._pending.reject_all(error)
        self.on_failure(error)

    async def _write_group(self, group: Group) -> None:
        try:
            await self._clean()
            await self._commit(group)
        except _LOST as error:
            await self._drop_connection(error, group)
            await self._recover_connection(group.endings)
        except Exception as error:
            for ending in group.endings:
                ending.reject(error)
            self._refuse_openings(group)
            raise
        finally:
            self._pending.written()

    async def _commit(self, group: Group) -> None:
        connection = self._connected()
        try:
            opened, issued = await store.commit_group(
                connection, self.held, self.signer, group, self._settings.retention_seconds
            )
        except _LOST:
            raise
        except _REFUSED as error:
            await self._commit_apart(group, error)
            return
        if issued is None:
            self._refuse_openings(group)
            await self._reconcile(connection, group.endings)
            return
        self._held = self.held.at(self.held.next_seq + len(issued))
        for ending, receipt in zip(group.endings, issued, strict=True):
            ending.resolve(receipt)
        if group:
            self.on_commit(len(opened), issued)
        await self._answer_openings(group.openings, opened)

    async def _answer_openings(self, openings: Sequence[Opening], opened: set[str]) -> None:
        """Tells each opening; of a payer for whom all together were too much, each is tried alone."""
        together = Counter(opening.intent.payer for opening in openings)
        for opening in openings:
            if opening.intent.request_id in opened:
                self._answer(opening, answer=True)
            elif together[opening.intent.payer] == 1:
                self._answer(opening, answer=False)
            else:
                await self._commit(Group(openings=[opening]))

    def _answer(self, opening: Opening, *, answer: bool) -> None:
        if not opening.opened.done():
            opening.opened.set_result(answer)
        elif answer:
            self._abandoned.append(opening.intent.request_id)

    async def _commit_apart(self, group: Group, error: Exception) -> None:
        """One bad record must not take a whole group with it: each is tried alone, and the bad one is told why."""
        if len(group.openings) + len(group.endings) > 1:
            for opening in group.openings:
                await self._commit(Group(openings=[opening]))
            for ending in group.endings:
                await self._commit(Group(endings=[ending]))
            return
        _log.error("journal_record_refused", error=_first_line(error))
        for opening in group.openings:
            if isinstance(error, errors.UniqueViolation):
                self._answer(opening, answer=False)
            else:
                opening.reject(error)
        await self._reconcile(self._connected(), group.endings, error)

    async def _reconcile(
        self, connection: Connection, endings: Sequence[Ending], error: Exception | None = None
    ) -> None:
        self._held = await read_lane(connection, self.held)
        self._pending.put_back(await settle(connection, self._held, endings, error))

    async def _clean(self) -> None:
        """Removes intents whose callers went away before they were told."""
        if self._abandoned:
            await store.abandon(self._connected(), self.held, self._abandoned)
            self._abandoned.clear()

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            raise DatabaseUnavailableError(_AWAY)
        return self._connection

    def _refuse_openings(self, group: Group) -> None:
        for opening in group.openings:
            if not opening.opened.done():
                self._abandoned.append(opening.intent.request_id)
                opening.reject(DatabaseUnavailableError(_AWAY))

    async def _drop_connection(self, error: Exception, group: Group) -> None:
        """Openings are told at once, endings and checkpoints are kept."""
        _log.warning("journal_connection_lost", error=_first_line(error))
        lost, self._connection = self._connection, None
        if lost is not None:
            await lost.close()
        self._refuse_openings(group)
        self._pending.refuse_openings(DatabaseUnavailableError(_AWAY))
        for checkpoint in group.checkpoints:
            self._pending.checkpoint(checkpoint)

    async def _recover_connection(self, endings: Sequence[Ending]) -> None:
        """Comes back when PostgreSQL does, and then finds out what became of the endings.

        Raises:
            LaneFencedError: another gateway took the lane in between.
        """
        attempt = 0
        while self._connection is None:
            try:
                connection = await store.connect(self._settings.database_url)
                try:
                    self._held = await resume_lane(connection, self.held)
                    await self._reconcile(connection, endings)
                except BaseException:
                    await connection.close()
                    raise
            except _LOST:
                await asyncio.sleep(_RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)])
                attempt += 1
            else:
                self._connection = connection
                _log.info("journal_connection_restored", attempts=attempt + 1)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
