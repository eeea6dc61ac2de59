"""Rows laid out by numpy arrive in PostgreSQL as what they were."""

from __future__ import annotations

import dataclasses

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indexer.verification import binary_copy as bc
from indexer.verification.judge import judge
from indexer.verification.store import _copy, _write_contents
from tests.factories.honest_batches import cases

pytestmark = pytest.mark.postgres

relaxed = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
uint64 = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 19).map(lambda n: 10**n), st.just(0))


@relaxed
@given(st.lists(uint64, min_size=1, max_size=30), st.integers(1, 16), st.data())
def test_every_kind_of_field_round_trips(module_database_url, amounts, length, data):
    n = len(amounts)
    big = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n))
    raw = data.draw(st.lists(st.binary(min_size=20, max_size=20), min_size=n, max_size=n))
    items = [[(i * 31 + k) % 2**31 for k in range(length)] for i in range(n)]
    fields = (
        bc.integer("id"), bc.units("amount"), bc.big("big"), bc.small("small"), bc.fixed_bytes("raw", 20),
        bc.big_array("longs", length), bc.integer_array("ints", length),
    )  # fmt: skip
    values = {
        "id": np.arange(n), "amount": np.array(amounts, np.uint64), "big": np.array(big), "small": -7,
        "raw": np.frombuffer(b"".join(raw), "V20"), "longs": np.array(items), "ints": np.array(items),
    }  # fmt: skip
    with psycopg.connect(module_database_url) as connection:
        connection.execute(
            "CREATE TEMP TABLE rows (id INTEGER, amount NUMERIC(78,0), big BIGINT, small SMALLINT, raw BYTEA,"
            " longs BIGINT[], ints INTEGER[]) ON COMMIT DROP"
        )
        cursor = connection.cursor()
        _copy(cursor, "rows", [f.name for f in fields], bc.records(fields, n, values))
        stored = cursor.execute("SELECT * FROM rows ORDER BY id").fetchall()
    assert stored == [(i, amounts[i], big[i], -7, raw[i], items[i], items[i]) for i in range(n)]


@relaxed
@given(cases())
def test_a_judged_batch_is_stored_whole(module_database_url, case):
    contents = judge(case.batch, case.blobs, lambda _ids: case.rulebook).contents
    batch = dataclasses.replace(case.batch, batch_id=4095)
    with (
        psycopg.connect(module_database_url) as connection,
        connection.transaction(force_rollback=True),
        connection.cursor() as cursor,
    ):
        _write_contents(cursor, batch, contents)
        receipts = cursor.execute(
            "SELECT seq, digest31, payer, asset_id, fee_units, input_units, output_units, started_at, set_position"
            " FROM receipts WHERE batch_id = 4095 ORDER BY position"
        ).fetchall()
        stored_sets = {
            position: list(zip(ids, ppms, strict=True))
            for position, ids, ppms in cursor.execute("SELECT set_position, asset_ids, ppms FROM attribution_sets")
        }
        sums = cursor.execute("SELECT * FROM batch_sums ORDER BY 3, 4, 5, 6").fetchall()
    assert [row[:-1] for row in receipts] == [
        (r.seq, digest[:31], r.payer, r.asset_id, r.fee_units, r.input_units, r.output_units, r.started_at)
        for r, digest in ((e.receipt, e.digest) for e in case.encoded.entries)
    ]
    chosen = [stored_sets.get(row[-1], []) for row in receipts]
    assert chosen == [[tuple(entry) for entry in e.attribution] for e in case.encoded.entries]
    assert sums == [(4095, 0, *row) for row in contents.sums]
