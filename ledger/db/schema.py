"""Bring a database to the schema that this code is written for."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import pool
from sqlalchemy.exc import OperationalError

from ledger.config import CHECKOUT
from ledger.db.session import open_engine
from ledger.errors import DatabaseUnavailableError


def alembic_config() -> Config:
    """Alembic's settings, wherever the program was started."""
    return Config(CHECKOUT / "alembic.ini")


def upgrade(database_url: str, revision: str = "head") -> None:
    """Run every migration up to `revision`; does nothing if there is none to run.

    Raises:
        DatabaseUnavailableError: the server does not answer.
    """
    config = alembic_config()
    engine = open_engine(database_url, poolclass=pool.NullPool)
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseUnavailableError(f"PostgreSQL could not be migrated: {reason}.") from error
