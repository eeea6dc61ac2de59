"""Undo of everything that a chain said above a block: the same for every table, by what its model declares."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from psycopg import sql

from ledger.db.base import Base, ChainRow

if TYPE_CHECKING:
    import psycopg

_LOCK_DOOMED = """
SELECT batch_id FROM batches WHERE chain_id = %(chain)s AND block_number > %(block)s FOR UPDATE
"""
"""Waits for a verifier that is writing one of these batches; the deletes below then see what it wrote."""

_CONTENT_TABLES = ("receipts", "attribution_sets", "batch_sums")


def undo_above(cursor: psycopg.Cursor[Any], chain_id: int, block: int) -> None:
    """Delete the rows of a chain above `block` and reopen what closed above it; within the caller's transaction."""
    place = {"chain": chain_id, "block": block}
    cursor.execute(_LOCK_DOOMED, place)
    for statement in _statements():
        cursor.execute(statement, place)


@cache
def _statements() -> tuple[sql.Composed, ...]:
    contents = [
        sql.SQL(
            "DELETE FROM {} WHERE (batch_id, fill) IN"
            " (SELECT batch_id, fill FROM batches WHERE chain_id = %(chain)s AND block_number > %(block)s)"
        ).format(sql.Identifier(name))
        for name in _CONTENT_TABLES
    ]
    derived = {mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, ChainRow)}
    tables = [table for table in reversed(Base.metadata.sorted_tables) if table in derived]
    rows = [
        sql.SQL("DELETE FROM {} WHERE chain_id = %(chain)s AND block_number > %(block)s").format(
            sql.Identifier(table.name)
        )
        for table in tables
    ]
    closings = [
        _reopen(table.name, prefix, [c.name for c in table.columns])
        for table in tables
        for prefix in table.info.get("closings", ())
    ]
    blocks = sql.SQL("DELETE FROM blocks WHERE chain_id = %(chain)s AND number > %(block)s").format()
    return (*contents, *rows, *closings, blocks)


def _reopen(table: str, prefix: str, columns: list[str]) -> sql.Composed:
    closed = [name for name in columns if name.startswith(f"{prefix}_")]
    return sql.SQL("UPDATE {} SET {} WHERE chain_id = %(chain)s AND {} > %(block)s").format(
        sql.Identifier(table),
        sql.SQL(", ").join(sql.SQL("{} = NULL").format(sql.Identifier(name)) for name in closed),
        sql.Identifier(f"{prefix}_block_number"),
    )
