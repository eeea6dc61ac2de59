"""The one connection over which a batcher writes, and the lock that it holds on it.

The lock and the writes share the connection: a batcher that lost the lock has lost its means to write as well, so
two of one operator never interleave.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import pool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from ledger.db.session import open_engine
from ledger.errors import DatabaseUnavailableError, LaneFencedError
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


class LockedDatabase:
    """Transactions of the only batcher of an operator."""

    def __init__(self, database_url: str, operator: bytes) -> None:
        """Nothing is asked of the server yet."""
        self._operator = operator
        self._engine = open_engine(database_url, poolclass=pool.NullPool)
        self._held: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed, durably, when the block ends well.

        Raises:
            DatabaseUnavailableError: the server does not answer; the next transaction connects again.
            LaneFencedError: another batcher of this operator works on this database.
        """
        try:
            with Session(self._connection(), expire_on_commit=False) as session, session.begin():
                yield session
        except DBAPIError as error:
            if not error.connection_invalidated and not _is_away(error):
                raise
            self.close()
            raise DatabaseUnavailableError(f"PostgreSQL does not answer: {_first_line(error)}.") from error

    def close(self) -> None:
        """Give the lock and the connection back."""
        held, self._held = self._held, None
        if held is not None:
            held.invalidate()
            held.close()

    def _connection(self) -> Connection:
        if self._held is None:
            connection = self._engine.connect()
            try:
                self._lock(connection)
            except BaseException:
                connection.close()
                raise
            self._held = connection
        return self._held

    def _lock(self, connection: Connection) -> None:
        key = int.from_bytes(keccak256(b"tributary batcher", self._operator)[:8], signed=True)
        taken = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one()
        connection.commit()
        if not taken:
            raise LaneFencedError(
                f"Another batcher of operator {checksum_address(self._operator)} works on this database; stop that one."
            )


def _is_away(error: DBAPIError) -> bool:
    """Whether the server, and not the statement, is at fault."""
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state[:2] in ("08", "53", "57")


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or ["no reason given"])[0]
