"""The gateway's pool of connections for everything but the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ledger.errors import DatabaseUnavailableError
from serving.errors import InvalidRequestError

Connection: TypeAlias = AsyncConnection[tuple[Any, ...]]
_OPTIONS = "-c statement_timeout=15s -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"


def plain_url(database_url: str) -> str:
    """The address as psycopg takes it, without SQLAlchemy's name of the driver."""
    return database_url.replace("postgresql+psycopg://", "postgresql://", 1)


class Database:
    """Connections to PostgreSQL, tested before they are lent."""

    def __init__(self, database_url: str, *, max_connections: int = 4, wait_seconds: float = 2.0) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            plain_url(database_url),
            min_size=1,
            max_size=max_connections,
            open=False,
            timeout=wait_seconds,
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "options": _OPTIONS,
                "application_name": "tributary serving pool",
                "connect_timeout": 5,
            },
        )

    async def open(self) -> None:
        """Fills the pool.

        Raises:
            DatabaseUnavailableError: PostgreSQL does not answer.
        """
        try:
            await self._pool.open(wait=True, timeout=10.0)
        except PoolTimeout as error:
            await self._pool.close()
            raise DatabaseUnavailableError("PostgreSQL does not answer at DATABASE_URL.") from error

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit mode.

        Raises:
            DatabaseUnavailableError: PostgreSQL is away, or went away in between.
            InvalidRequestError: a word of the request's is none that a column takes.
        """
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseUnavailableError("The gateway's database is away; try again shortly.") from error
        except psycopg.DataError as error:
            raise InvalidRequestError("A text in the request has a character that can't be stored.") from error

    async def fetch(self, query: Any, words: dict[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of one statement."""
        async with self.connection() as connection:
            return await (await connection.execute(query, words)).fetchall()
