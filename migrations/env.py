"""How Alembic runs: one migration at a time, under an advisory lock, giving up rather than blocking readers for long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic import context
from sqlalchemy import create_engine, pool, text

import ledger.db.models  # noqa: F401  (registers the tables)
from ledger.config import DatabaseSettings
from ledger.db.base import Base
from ledger.db.models.indexer_receipts import RECEIPT_PARTITION_PREFIX
from ledger.db.session import driver_url

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

MIGRATION_LOCK = 0x7472_6962


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave partitions out of comparisons: the indexer makes them as batches come."""
    return not (kind == "table" and name is not None and name.startswith(RECEIPT_PARTITION_PREFIX))


def migrate(connection: Connection) -> None:
    """Run the migrations on `connection`, one transaction for all of them."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '4s'"))
        connection.execute(text("SET LOCAL statement_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        context.run_migrations()


def address() -> URL:
    """The database: the caller's `sqlalchemy.url`, else DATABASE_URL."""
    given = context.config.get_main_option("sqlalchemy.url")
    return driver_url(given or DatabaseSettings.load().sqlalchemy_url)


def run() -> None:
    """Migrate over the caller's connection (attribute `connection`), else over one of our own."""
    given = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    with create_engine(address(), poolclass=pool.NullPool).connect() as connection:
        migrate(connection)


run()
