"""What a reorganisation takes out of the tables, for every table that a chain fills."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Boolean, Text
from sqlalchemy.dialects.postgresql import JSONB

from indexer.following.undo import undo_above
from indexer.rows.buffer import column_names
from indexer.tables import OPERATIONAL, owned_tables, reproducible_tables
from indexer.verification.store import _ensure_partition
from ledger.db.base import Base, ChainRow
from ledger.db.models.indexer_batches import Batch
from ledger.db.types import FixedBytes

pytestmark = pytest.mark.postgres

MODELS = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, ChainRow)]
CHAIN, OTHER_CHAIN, COMMON = 901, 900, 5
ALLOWED_WORDS = {
    "assets.kind": "model", "terms.mode": "fixed", "session_keys.action": "registered", "batches.verdict": "valid",
    "transaction_costs.purpose": "post",
    "movements.bucket": "escrow",
}  # fmt: skip


def value(table, column, number):
    """Some value that a column takes; different for each `number` where it must be."""
    named = {"chain_id": CHAIN, "block_number": number, "block_hash": bytes([number]) * 32, "log_index": number}
    if column.name in named:
        return named[column.name]
    if column.nullable:
        return None
    word = ALLOWED_WORDS.get(f"{table.name}.{column.name}")
    if word:
        return word
    if isinstance(column.type, FixedBytes):
        return bytes([number]) * column.type.width
    for kind, made in ((JSONB, Jsonb({})), (ARRAY, []), (Boolean, False), (Text, "word")):
        if isinstance(column.type, kind):
            return made
    return b"" if column.type.python_type is bytes else number


def insert(connection, model, number, **changes):
    table = model.__table__
    row = {name: value(table, table.columns[name], number) for name in column_names(model)} | changes
    places = ", ".join(["%s"] * len(row))
    connection.execute(f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({places})", list(row.values()))


def numbers(connection, table, column="block_number"):
    return [n for (n,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()]


def in_order():
    order = {table.name: place for place, table in enumerate(Base.metadata.sorted_tables)}
    return sorted(MODELS, key=lambda model: order[model.__tablename__])


def test_rows_above_the_common_block_fall_in_every_table(database_url):
    with psycopg.connect(database_url) as connection:
        for model in in_order():
            for number in (COMMON, COMMON + 1, COMMON + 2):
                insert(connection, model, number)
        undo_above(connection.cursor(), CHAIN, COMMON)
        for model in MODELS:
            assert numbers(connection, model.__tablename__) == [COMMON], model


def test_the_other_chains_rows_stay(database_url):
    with psycopg.connect(database_url) as connection:
        for model in in_order():
            insert(connection, model, COMMON + 1)
        undo_above(connection.cursor(), OTHER_CHAIN, 0)
        for model in MODELS:
            assert numbers(connection, model.__tablename__) == [COMMON + 1], model


def test_what_was_closed_above_the_common_block_is_open_again(database_url):
    closings = [(model, prefix) for model in MODELS for prefix in model.__table__.info.get("closings", ())]
    assert len(closings) >= 4
    with psycopg.connect(database_url) as connection:
        for at, (model, prefix) in enumerate(closings):
            closed = [name for name in column_names(model) if name.startswith(f"{prefix}_")]
            table = model.__table__
            for number, closing_block in ((1 + 2 * at, COMMON), (2 + 2 * at, COMMON + 1)):
                values = {name: closing_value(table.columns[name], closing_block) for name in closed}
                insert(connection, model, number, block_number=1, **values)
        undo_above(connection.cursor(), CHAIN, COMMON)
        for model, prefix in closings:
            closed = [name for name in column_names(model) if name.startswith(f"{prefix}_")]
            states = connection.execute(
                f"SELECT num_nulls({', '.join(closed)}) FROM {model.__tablename__}"
                f" WHERE {prefix}_block_number IS NOT DISTINCT FROM {COMMON} OR num_nonnulls({', '.join(closed)}) = 0"
            ).fetchall()
            assert (0,) in states, (model, prefix)
            left = connection.execute(
                f"SELECT count(*) FROM {model.__tablename__} WHERE {prefix}_block_number > {COMMON}"
            ).fetchone()
            assert left == (0,), (model, prefix)


def closing_value(column, block):
    if column.name.endswith("block_number"):
        return block
    return bytes(column.type.width) if isinstance(column.type, FixedBytes) else 1


def test_a_batchs_status_follows_its_ends(database_url):
    end = {"block_number": 9, "block_hash": bytes(32), "log_index": 1, "at": 1}
    voided = {f"voided_{name}": v for name, v in end.items()}
    finalized = {f"finalized_{name}": v for name, v in end.items()}
    with psycopg.connect(database_url) as connection:
        insert(connection, Batch, 1)
        insert(connection, Batch, 2, **voided)
        insert(connection, Batch, 3, **finalized)
        statuses = [s for (s,) in connection.execute("SELECT status FROM batches ORDER BY batch_id")]
        assert statuses == ["open", "voided", "finalized"]
        undo_above(connection.cursor(), CHAIN, 5)
        assert connection.execute("SELECT DISTINCT status FROM batches").fetchall() == [("open",)]


def test_a_fallen_batch_takes_its_receipts_sets_and_sums(database_url):
    with psycopg.connect(database_url) as connection:
        for number in (COMMON, COMMON + 1):
            insert(connection, Batch, number, batch_id=number, fill=0)
            _ensure_partition(connection.cursor(), number)
            connection.execute(
                "INSERT INTO receipts VALUES (%s, 0, 0, 0, %s, %s, 1, 1, 0, 0, 0, 0, 0, 0)",
                (number, bytes(31), bytes(20)),
            )
            connection.execute("INSERT INTO attribution_sets VALUES (%s, 0, 9, '{1}', '{1000000}')", (number,))
            connection.execute("INSERT INTO batch_sums VALUES (%s, 0, 1, 1, 0, 0, 5, 1)", (number,))
        undo_above(connection.cursor(), CHAIN, COMMON)
        for table in ("receipts", "attribution_sets", "batch_sums"):
            assert numbers(connection, table, "batch_id") == [COMMON]


def test_every_table_of_the_indexer_is_either_reproduced_or_operational():
    names = {table.name for table in owned_tables()}
    assert names > OPERATIONAL
    assert {table.name for table in reproducible_tables()} == names - OPERATIONAL
    assert {model.__tablename__ for model in MODELS} <= names
