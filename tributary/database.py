"""The database of a run: the server that DATABASE_URL names, or the embedded one; and its schema."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy.exc import OperationalError

from ledger.config import CHECKOUT, DatabaseSettings, state_folder
from ledger.errors import DatabaseUnavailableError, UsageError
from tributary.postgres import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

EMBEDDED_DATABASE = "tributary"


@contextmanager
def database_from_settings() -> Iterator[str]:
    """The address that DATABASE_URL gives; without one, an embedded server with the newest schema while in use."""
    if os.environ.get("DATABASE_URL") or os.environ.get("SECRETS_DIR"):
        yield DatabaseSettings.load().database_url.get_secret_value()
        return
    with PostgresServer(state_folder() / "postgres") as server:
        url = server.ensure_database(EMBEDDED_DATABASE)
        migrate(url)
        yield url


def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema at `url` to a revision; nothing happens if it is there already.

    Raises:
        DatabaseUnavailableError: the server does not answer.
        UsageError: there is no such revision, or the schema is of a newer version than this program.
    """
    config = Config()
    config.set_main_option("script_location", str(CHECKOUT / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise UsageError(f"The schema can't be brought to revision {revision}: {error}.") from error
    except OperationalError as error:
        raise DatabaseUnavailableError(
            f"PostgreSQL does not let the schema be brought up to date: {str(error.orig).splitlines()[0]}."
        ) from error
