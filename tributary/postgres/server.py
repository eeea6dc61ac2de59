"""The embedded PostgreSQL as its users see it: start, databases by name, stop."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from ledger.config import CHECKOUT
from ledger.errors import DatabaseUnavailableError, ProcessFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from psycopg.abc import Query

STOP_SECONDS = 30.0


class PostgresServer:
    """A running server on the data in `folder`, made if it is not there.

    Args:
        folder: the data folder; several programs may hold a server on the same one, they share it.
        settings: server settings for a new data folder, for example {"fsync": "off"} for a test.

    Raises:
        ProcessFailedError: it does not start; the sentence says why.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        words = [f"{name} = '{value}'" for name, value in (settings or {}).items()]
        # A file, not a pipe: the server inherits it and would hold a pipe open.
        with tempfile.TemporaryFile() as complaints:
            self._keeper = subprocess.Popen(
                [sys.executable, "-m", "tributary.postgres.keeper", str(folder), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                cwd=CHECKOUT,
                start_new_session=True,
                text=True,
            )
            assert self._keeper.stdout is not None
            self._socket_folder = self._keeper.stdout.readline().strip()
            if not self._socket_folder:
                self.stop()
                complaints.seek(0)
                sentence = complaints.read().decode(errors="replace").strip().splitlines()
                raise ProcessFailedError(sentence[-1] if sentence else "The embedded PostgreSQL does not start.")

    def url(self, database: str = "postgres") -> str:
        """The address of a database of this server, as DATABASE_URL takes it."""
        return f"postgresql://postgres@/{quote(database)}?host={quote(self._socket_folder, safe='')}"

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make a database, a copy of `template`; returns its address."""
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)),
        )
        return self.url(name)

    def ensure_database(self, name: str) -> str:
        """Make the database if it is not there; returns its address."""
        with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            self.create_database(name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Delete a database, whoever is connected to it; nothing happens if it is not there."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Give the server up; it stops if nobody else holds it. The data stay."""
        self._keeper.terminate()
        try:
            self._keeper.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        for channel in (self._keeper.stdin, self._keeper.stdout):
            if channel is not None:
                channel.close()

    def _execute(self, statement: Query) -> None:
        try:
            with psycopg.connect(self.url(), autocommit=True) as connection:
                connection.execute(statement)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailableError(f"The embedded PostgreSQL in {self.folder} does not answer.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
