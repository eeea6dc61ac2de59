"""Rows into PostgreSQL by COPY, in an order that foreign keys allow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from psycopg import sql

from indexer.rows.buffer import column_names
from ledger.db.base import Base

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from indexer.rows.buffer import Closing, Rows


_WANT = """
INSERT INTO blob_fetches (post_hash, versioned_hashes, attempts, next_attempt_at, last_error)
VALUES (%s, %s, 0, 0, '') ON CONFLICT (post_hash) DO UPDATE SET next_attempt_at = 0
"""


def write_rows(cursor: psycopg.Cursor[Any], rows: Rows) -> None:
    """All rows, then all closings in the order of their events; within the caller's transaction."""
    order = {table.name: place for place, table in enumerate(Base.metadata.sorted_tables)}
    for model in sorted(rows.by_model, key=lambda m: order[m.__tablename__]):
        copy_rows(cursor, model, rows.by_model[model])
    for closing in rows.closings:
        _close(cursor, closing)
    cursor.executemany(_WANT, [(post, list(hashes)) for post, hashes in rows.wanted_posts.items()])


def copy_rows(cursor: psycopg.Cursor[Any], model: type[Base], rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows of one table, each in the order of `column_names(model)`."""
    with cursor.copy(_copy_statement(model)) as copy:
        write = copy.write_row
        for row in rows:
            write(row)


@cache
def _copy_statement(model: type[Base]) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(model.__tablename__), sql.SQL(", ").join(map(sql.Identifier, column_names(model)))
    )


def _close(cursor: psycopg.Cursor[Any], closing: Closing) -> None:
    """Set the closing columns of the rows that are still open."""
    assign = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), v) for n, v in closing.values.items())
    match = sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(n), v) for n, v in closing.key.items())
    cursor.execute(
        sql.SQL("UPDATE {} SET {} WHERE {} AND {} IS NULL").format(
            sql.Identifier(closing.model.__tablename__),
            assign,
            match,
            sql.Identifier(f"{closing.prefix}_block_number"),
        )
    )
