"""What tests on a real PostgreSQL share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from ledger.db.session import open_engine


@pytest.fixture
def connection(module_database_url: str) -> Iterator[Connection]:
    """To the module's migrated database; what is not committed is gone after the test."""
    engine = open_engine(module_database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()
