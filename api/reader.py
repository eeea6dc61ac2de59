"""The API's connections: read-only by the server's own rule, blind to secrets, and no query without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import event

from ledger.db.session import open_engine

ROLE = "tributary_reader"
"""Made by the migrations: it may read what is public, and nothing else."""

_MAY_TAKE_ROLE = "SELECT 1 FROM pg_roles WHERE rolname = %s AND pg_has_role(session_user, oid, 'MEMBER')"

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Engine

    from api.settings import ApiSettings


def open_reader(settings: ApiSettings) -> Engine:
    """A pool of read-only connections whose statements time out, in the reader's role where the login may take it."""
    engine = open_engine(
        settings.database_url.get_secret_value(),
        read_only=True,
        pool_size=settings.connections,
        max_overflow=0,
        pool_timeout=settings.statement_timeout_seconds,
    )
    limit = f"SET statement_timeout = '{settings.statement_timeout_seconds}s'"

    def set_limit(connection: Any, _record: object) -> None:
        try:
            # Outside a transaction, so that it lasts.
            autocommit, connection.autocommit = connection.autocommit, True
            connection.execute(limit)
            if connection.execute(_MAY_TAKE_ROLE, (ROLE,)).fetchone():
                connection.execute(f"SET ROLE {ROLE}")
            connection.autocommit = autocommit
        except BaseException:
            connection.close()  # the pool does not know it yet
            raise

    event.listen(engine, "connect", set_limit)
    return engine
