"""The migration makes what the models say, and takes it away again."""

from __future__ import annotations

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

import ledger.db.models  # noqa: F401  (registers the tables)
from ledger.config import CHECKOUT
from ledger.db.base import Base
from ledger.db.session import open_engine

pytestmark = pytest.mark.postgres

OURS = {
    "attestations",
    "distribution_files",
    "distribution_trees",
    "distributions",
    "entitlements",
    "pushed_claims",
    "settlement_transactions",
    "signed_attestations",
}


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def migrate_to(url: str, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(CHECKOUT / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    (command.upgrade if revision == "head" else command.downgrade)(config, revision)


def test_up_down_and_up_again_leave_the_models_tables(database_url: str) -> None:
    engine = open_engine(database_url)
    assert tables(engine) >= OURS
    migrate_to(database_url, "0002_serving")
    assert not tables(engine) & OURS
    migrate_to(database_url, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = [d for d in compare_metadata(context, Base.metadata) if any(name in repr(d) for name in OURS)]
        storage = connection.execute(
            text(
                "SELECT attname, attstorage FROM pg_attribute WHERE attname IN ('content', 'nodes') AND attstorage <> 'p'"
            )
        ).all()
    engine.dispose()
    assert differences == []
    assert {tuple(row) for row in storage} == {("content", "e"), ("nodes", "e")}
