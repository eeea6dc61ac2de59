"""Whatever happens on the chains, in whatever order: the rows are those of a fresh rebuild, and the audit agrees."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.app import build_app
from api.reader import open_reader
from api.settings import ApiSettings
from audit.command import app as audit
from tests.factories.history_walk import Walk
from tests.factories.http_server import served
from tests.factories.indexed_world import IndexedWorld, own_indexed_world

pytestmark = pytest.mark.chain

HISTORIES, STEPS = 2, 14
DEPTHS = st.integers(1, 30)
STEP = st.one_of(
    st.sampled_from([
        ("commit",), ("commit",), ("commit_fraud",), ("challenge",), ("refund",), ("refill",), ("finalize",),
        ("change_terms",), ("change_price",), ("pay_in",), ("index",), ("index",),
    ]),
    st.tuples(st.just("reorg_l1"), DEPTHS),
    st.tuples(st.just("reorg_l2"), DEPTHS),
)  # fmt: skip
WHOLE_STORY = [
    ("commit",), ("commit_fraud",), ("index",), ("challenge",), ("change_terms",), ("refund",), ("index",),
    ("reorg_l2", 2), ("refund",), ("refill",), ("index",), ("finalize",), ("commit",), ("index",),
    ("reorg_l2", 4), ("index",), ("finalize",),
]  # fmt: skip
"""What a random walk seldom reaches: a fraud that is voided, refunded, refilled and finalised, through reorgs of the L2."""


@pytest.fixture(scope="module")
def world(tmp_path_factory, module_database_url) -> Iterator[IndexedWorld]:
    with own_indexed_world(tmp_path_factory.mktemp("histories"), module_database_url) as world:
        world.flow.devnet.finalize()
        yield world


@pytest.fixture(scope="module")
def walk(world) -> Walk:
    return Walk(world)


def check(world, walk, steps, postgres_server, migrated_template) -> None:
    for name, *arguments in steps:
        getattr(walk, name)(*arguments)
    world.index()
    url = postgres_server.create_database("history", migrated_template)
    try:
        assert world.rebuilt_digests(url) == world.digests(), steps
    finally:
        postgres_server.drop_database("history")
    assert world.rows("SELECT sum(amount_units) FROM movements HAVING sum(amount_units) <> 0") == []


def test_a_fraud_that_is_voided_refunded_and_refilled_is_rebuilt(world, walk, postgres_server, migrated_template):
    check(world, walk, WHOLE_STORY, postgres_server, migrated_template)
    fills = world.rows("SELECT fill, status, verdict FROM batches WHERE batch_id = 2 ORDER BY fill")
    assert fills == [(0, "voided", "invalid"), (1, "finalized", "valid")]


def test_the_audit_agrees_with_the_index_after_that(world, tmp_path):
    """Before the L1 is reorganised: on supersim a deposit stays whose post has fallen, and the audit says so."""
    world.flow.devnet.finalize()
    world.index()
    settings_ = ApiSettings.load(
        database_url=world.url, archive_dir=world.settings.archive_dir, kept_dir=tmp_path / "k"
    )
    engine = open_reader(settings_)
    report = tmp_path / "report.json"
    try:
        with served(build_app(engine, settings_)) as url:
            answer = CliRunner().invoke(audit, ["--api", url, "--json", str(report)], env=world.environment(world.url))
    finally:
        engine.dispose()
    assert answer.exit_code == 0, answer.output
    assert json.loads(report.read_text())["differences"] == 0


def test_after_any_history_a_rebuild_gives_the_same_rows(world, walk, postgres_server, migrated_template):
    @settings(
        max_examples=HISTORIES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(STEP, min_size=STEPS, max_size=STEPS))
    def after(steps: list[tuple[str, ...]]) -> None:
        check(world, walk, steps, postgres_server, migrated_template)

    after()
