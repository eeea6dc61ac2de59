"""Engines and sessions: a reader cannot write, because PostgreSQL itself refuses it.

`sessions(engine)` gives sessions that write, `read_sessions(read_engine)` sessions that only read; the two are
distinct types, so that a function which only reads says so in its signature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session, sessionmaker
from typing_extensions import override

from ledger.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import URL, Engine

READ_ONLY = "-c default_transaction_read_only=on"


class ReadSession(Session):
    """A session that refuses to flush; its connection is read-only as well."""

    @override
    def flush(self, objects: Sequence[Any] | None = None) -> None:
        if self.new or self.dirty or self.deleted:
            msg = "a read session does not write"
            raise TypeError(msg)


def driver_url(database_url: str) -> URL:
    """The address with the driver that the ledger uses, psycopg 3."""
    return make_url(database_url).set(drivername="postgresql+psycopg")


def open_engine(database_url: str, *, read_only: bool = False, **options: Any) -> Engine:
    """Connection pool for one process; connections are tested before use, so a restarted server is no error.

    Args:
        database_url: `postgresql://user:password@host:port/database`.
        read_only: every transaction is read-only, as the server enforces it.
        options: passed to `sqlalchemy.create_engine`.
    """
    connect_args = {"options": READ_ONLY} if read_only else {}
    return create_engine(driver_url(database_url), pool_pre_ping=True, connect_args=connect_args, **options)


def sessions(engine: Engine) -> sessionmaker[Session]:
    """Maker of sessions that write; nothing is loaded lazily after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


def read_sessions(engine: Engine) -> sessionmaker[ReadSession]:
    """Maker of sessions that only read; give it an engine opened with `read_only=True`."""
    return sessionmaker(engine, class_=ReadSession, autoflush=False)


def connect(database_url: str, *, application_name: str, **options: Any) -> psycopg.Connection[Any]:
    """A bare psycopg connection, for COPY.

    Raises:
        DatabaseUnavailableError: the server does not answer.
    """
    address = driver_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return psycopg.connect(address, application_name=application_name, **options)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise DatabaseUnavailableError(f"PostgreSQL does not answer: {reason}.") from error
