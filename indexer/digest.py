"""A digest of each table: equal digests mean equal rows, bit for bit, in whatever order they were written."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from psycopg import sql

from indexer.tables import reproducible_tables
from ledger.db.session import connect

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy import Table

_BLOBS_SPOKEN_OF: Final = sql.SQL(
    "SELECT * FROM blobs b WHERE EXISTS (SELECT FROM posts p WHERE b.versioned_hash = ANY(p.versioned_hashes))"
    " OR EXISTS (SELECT FROM batches c WHERE b.versioned_hash = ANY(c.versioned_hashes))"
)
"""A blob whose post a reorganisation took may stay in the archive; it belongs to no row."""


def table_digests(database_url: str) -> dict[str, str]:
    """SHA-256 in hex of every reproducible table, by its name: its rows as text, ordered by primary key.

    Read in one snapshot, streamed: memory does not grow with the tables.
    """
    with connect(database_url, application_name="tributary-digest") as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute("SET LOCAL bytea_output = 'hex'")
        return {table.name: _digest(connection, table) for table in reproducible_tables()}


def _digest(connection: psycopg.Connection[Any], table: Table) -> str:
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    key = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key)
    rows = _BLOBS_SPOKEN_OF if table.name == "blobs" else sql.SQL("SELECT * FROM {}").format(sql.Identifier(table.name))
    query = sql.SQL("COPY (SELECT {} FROM ({}) AS rows ORDER BY {}) TO STDOUT").format(columns, rows, key)
    digest = hashlib.sha256()
    with connection.cursor().copy(query) as copy:
        for chunk in copy:
            digest.update(chunk)
    return digest.hexdigest()
