"""Forget every row that the indexer made, so that the next run makes them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

from indexer.tables import owned_tables
from ledger.db.models.indexer_receipts import RECEIPT_PARTITION_PREFIX
from ledger.db.session import connect

if TYPE_CHECKING:
    import psycopg


def forget_everything(database_url: str) -> None:
    """Empty the indexer's tables in one transaction; the blob archive stays."""
    with connect(database_url, application_name="tributary-rebuild") as connection, connection.cursor() as cursor:
        names = sql.SQL(", ").join(sql.Identifier(table.name) for table in owned_tables())
        cursor.execute(sql.SQL("TRUNCATE {}").format(names))
        for name in _partitions(cursor):
            cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))


def _partitions(cursor: psycopg.Cursor[Any]) -> list[str]:
    cursor.execute(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'receipts'::regclass AND starts_with(c.relname, %s)",
        (RECEIPT_PARTITION_PREFIX,),
    )
    return [name for (name,) in cursor.fetchall()]
