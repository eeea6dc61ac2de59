"""Columns that the journal writes itself: PostgreSQL reads back what went in."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, LiteralString

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.journal.columns import (
    Column,
    ColumnDumper,
    Writer,
    bigints,
    booleans,
    byteas,
    integers,
    numerics,
    smallints,
    texts,
)

pytestmark = pytest.mark.postgres

READ: LiteralString = (
    "SELECT %(texts)b::text[], %(byteas)b::bytea[], %(numerics)b::numeric[], %(bigints)b::bigint[],"
    " %(integers)b::int[], %(smallints)b::smallint[], %(booleans)b::boolean[]"
)
WRITERS: dict[str, Writer] = {
    "texts": texts, "byteas": byteas, "numerics": numerics, "bigints": bigints, "integers": integers,
    "smallints": smallints, "booleans": booleans,
}  # fmt: skip


def signed(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


VALUES = st.fixed_dictionaries(
    {
        "texts": st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4),
        "byteas": st.lists(st.binary(max_size=40), max_size=4),
        "numerics": st.lists(
            st.one_of(signed(257), st.sampled_from([0, 1, 9_999, 10_000, 10**8, -(10**12)])), max_size=4
        ),
        "bigints": st.lists(signed(64), max_size=4),
        "integers": st.lists(signed(32), max_size=4),
        "smallints": st.lists(signed(16), max_size=4),
        "booleans": st.lists(st.booleans(), max_size=4),
    }
)


def test_any_values_come_back_as_they_were(database_url: str) -> None:
    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.adapters.register_dumper(Column, ColumnDumper)

        @settings(max_examples=120, deadline=None)
        @given(VALUES)
        def check(values: dict[str, Sequence[Any]]) -> None:
            row = connection.execute(READ, {name: write(values[name]) for name, write in WRITERS.items()}).fetchone()
            assert row is not None
            assert dict(zip(WRITERS, row, strict=True)) == {
                name: [Decimal(one) for one in some] if name == "numerics" else list(some)
                for name, some in values.items()
            }

        check()
