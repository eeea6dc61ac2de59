"""A store's own connection to PostgreSQL, opened at its first use and again after the server went away."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from ledger.db.session import connect
from ledger.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


class ConnectedStore:
    """What every store of the indexer is built on. Not thread-safe: one loop owns it."""

    def __init__(self, database_url: str, application_name: str) -> None:
        """Take the database's address, and what the connection is called there; nothing is opened yet."""
        self._url = database_url
        self._application_name = application_name
        self._connection: psycopg.Connection[Any] | None = None

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """One transaction.

        Raises:
            DatabaseUnavailableError: the server went away; what was not committed is not there.
        """
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, application_name=self._application_name)
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                yield cursor
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            self.close()
            raise DatabaseUnavailableError(f"PostgreSQL went away: {first_line(error)}.") from error


def first_line(error: psycopg.Error) -> str:
    """The sentence that an error begins with, without its full stop; its type's name if it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
