"""The API's connections: read-only by the server's own rule, and no query without an end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import event

from ledger.db.session import open_engine

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Engine

    from api.settings import ApiSettings


def open_reader(settings: ApiSettings) -> Engine:
    """A pool of read-only connections whose statements time out."""
    engine = open_engine(
        settings.database_url.get_secret_value(),
        read_only=True,
        pool_size=settings.connections,
        max_overflow=0,
        pool_timeout=settings.statement_timeout_seconds,
    )
    limit = f"SET statement_timeout = '{settings.statement_timeout_seconds}s'"

    def set_limit(connection: Any, _record: object) -> None:
        # Outside a transaction, so that it lasts.
        autocommit, connection.autocommit = connection.autocommit, True
        connection.execute(limit)
        connection.autocommit = autocommit

    event.listen(engine, "connect", set_limit)
    return engine
