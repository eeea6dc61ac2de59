"""Migrations and models say the same, and the types of columns guard what is written."""

from __future__ import annotations

from contextlib import contextmanager

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError, InternalError, StatementError
from sqlalchemy.pool import NullPool

import ledger.db.models
from ledger.config import CHECKOUT
from ledger.db.base import Base
from ledger.db.models.indexer_blobs import Blob
from ledger.db.models.indexer_movements import Movement
from ledger.db.models.indexer_operators import Price
from ledger.db.models.indexer_receipts import RECEIPT_PARTITION_PREFIX
from ledger.db.schema import upgrade
from ledger.db.session import open_engine, read_sessions, sessions

pytestmark = pytest.mark.postgres

assert ledger.db.models

CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n' AND conrelid::regclass::text <> 'alembic_version'
ORDER BY 1, 2
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2"
COLUMNS = """
SELECT table_name, column_name, data_type, udt_name, is_nullable, numeric_precision, numeric_scale, column_default, is_identity, generation_expression
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2
"""


def describe(url: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        return {
            name: connection.execute(query).fetchall()
            for name, query in (("columns", COLUMNS), ("constraints", CONSTRAINTS), ("indexes", INDEXES))
        }


def alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(CHECKOUT / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def test_migrations_make_what_the_models_say(postgres_url, postgres_server, migrated_template):
    with open_engine(postgres_url, poolclass=NullPool).begin() as connection:
        Base.metadata.create_all(connection)
    by_models, by_migrations = describe(postgres_url), describe(postgres_server.url(migrated_template))
    for what, rows in by_models.items():
        assert by_migrations[what] == rows


def test_alembic_finds_nothing_to_do(database_url):
    with open_engine(database_url, poolclass=NullPool).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_there_is_one_line_of_revisions():
    assert len(ScriptDirectory.from_config(alembic("postgresql://nowhere")).get_heads()) == 1


def test_up_down_and_up_again_gives_the_same_schema(database_url):
    before = describe(database_url)
    command.downgrade(alembic(database_url), "base")
    assert describe(database_url) == {"columns": [], "constraints": [], "indexes": []}
    upgrade(database_url)
    assert describe(database_url) == before


def test_partitions_do_not_look_like_a_difference(database_url):
    name = f"{RECEIPT_PARTITION_PREFIX}0"
    with psycopg.connect(database_url) as connection:
        connection.execute(f"CREATE TABLE {name} PARTITION OF receipts FOR VALUES FROM (0) TO (4096)")
    command.check(alembic(database_url))


@contextmanager
def writer(url):
    """A session that writes, over connections that close with it."""
    with sessions(open_engine(url, poolclass=NullPool))() as session:
        yield session


def price(**changes):
    row = {
        "chain_id": 901, "block_number": 1, "block_hash": bytes(32), "log_index": 0, "operator": bytes(20),
        "asset_id": 1, "input_price_units": 2**64 - 1, "output_price_units": 0, "effective_at": 2**40 - 1,
    }  # fmt: skip
    return insert(Price).values({**row, **changes})


def test_amounts_of_any_size_come_back_as_the_same_int(database_url):
    big = 10**78 - 1
    with writer(database_url) as session:
        session.execute(price(input_price_units=big))
        assert session.execute(select(Price.input_price_units)).scalar_one() == big
        assert type(session.execute(select(Price.output_price_units)).scalar_one()) is int


@pytest.mark.parametrize("amount", [1.0, "1", True])
def test_an_amount_that_is_no_int_is_refused(database_url, amount):
    with writer(database_url) as session, pytest.raises(StatementError, match="a token amount is an int"):
        session.execute(price(input_price_units=amount))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("input_price_units", -1),
        ("asset_id", 2**32),
        ("asset_id", -1),
        ("effective_at", 2**40),
        ("log_index", -1),
        ("block_number", -1),
    ],
)
def test_numbers_out_of_range_are_refused_by_the_database(database_url, column, value):
    with writer(database_url) as session, pytest.raises(IntegrityError):
        session.execute(price(**{column: value}))


@pytest.mark.parametrize("column", ["operator", "block_hash"])
def test_bytes_of_another_length_are_refused(database_url, column):
    with writer(database_url) as session, pytest.raises(StatementError, match="expected"):
        session.execute(price(**{column: bytes(21)}))
    with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("INSERT INTO blobs (versioned_hash, kzg_commitment) VALUES (%s, %s)", (bytes(31), bytes(48)))


def test_a_movement_may_be_negative_but_its_bucket_must_be_known(database_url):
    row = {
        "chain_id": 901, "block_number": 1, "block_hash": bytes(32), "log_index": 0, "ordinal": 0,
        "bucket": "escrow", "holder": bytes(20), "amount_units": -5,
    }  # fmt: skip
    with writer(database_url) as session:
        session.execute(insert(Movement).values(row))
        with pytest.raises(IntegrityError):
            session.execute(insert(Movement).values({**row, "ordinal": 1, "bucket": "pocket"}))


def test_a_reader_can_not_write(database_url):
    engine = open_engine(database_url, read_only=True, poolclass=NullPool)
    with read_sessions(engine)() as session, pytest.raises(InternalError, match="read-only"):
        session.execute(insert(Blob).values(versioned_hash=bytes(32), kzg_commitment=bytes(48)))
    with read_sessions(engine)() as session:
        session.add(Blob(versioned_hash=bytes(32), kzg_commitment=bytes(48)))
        with pytest.raises(TypeError, match="does not write"):
            session.flush()
