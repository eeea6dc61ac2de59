"""Everything fails while a real trace is replayed: each answer has one receipt, in one finalised batch, all the same.

Three upstreams, gateway, batcher, PostgreSQL and two nodes of each chain are each killed once and hung once, at times
and for as long as the seed draws. `--chaos-runs N` goes through so many seeds.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from batcher.running import drain, open_parts
from tests.e2e.chaos.plan import befall, draw
from tests.e2e.chaos.programs import kept_running
from tests.e2e.chaos.replay import replay, slice_of_trace
from tests.e2e.chaos.verdict import check_audit, check_once
from tests.e2e.chaos.world import OPEN_JOBS, PAYERS, ChaosWorld, chaos_world, until_ready
from tests.factories.batcher_world import settings_for
from tests.factories.operator_flow import DAY
from tests.factories.outbox import mining
from tributary.devnet import Devnet

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

REQUESTS, CHAOS_SECONDS, DEADLINE_SECONDS = 120, 20.0, 60.0


@pytest.fixture
def world(fresh_devnet: Devnet, tmp_path: Path, postgres_folder: Path) -> Iterator[ChaosWorld]:
    with chaos_world(fresh_devnet, tmp_path, postgres_folder) as world:
        yield world


def test_every_answer_has_one_receipt_in_one_finalised_batch(world: ChaosWorld, chaos_seed: int) -> None:
    asks = slice_of_trace(chaos_seed, REQUESTS, list(world.serving.asset_ids), PAYERS)
    faults = draw(chaos_seed, len(world.victims), CHAOS_SECONDS)
    for fault in faults:  # shown if the test fails
        print(f"{fault.at:5.1f} s: {fault.kind} {world.victims[fault.victim].name} for {fault.lasts:.1f} s")
    with kept_running(world.programs), mining(world.serving.flow.devnet, 0.3), ThreadPoolExecutor(1) as thread:
        suffering = thread.submit(befall, faults, world.victims)
        outcomes = asyncio.run(replay(world.gateway_url, world.keys, asks, DEADLINE_SECONDS))
        suffering.result()
        until_ready(world.gateway_url)
        world.program("batcher").kill()
    until_nothing_is_open(world)
    finalise(world)
    check_once(world, outcomes)
    check_audit(world)
    failed = Counter(sentence for outcome in outcomes for sentence in outcome.refused)
    print(f"{len(outcomes)} answers; attempts that failed before: {dict(failed)}; receipts: {outcomes_in(world)}")
    assert failed, "nobody noticed any of it"


def outcomes_in(world: ChaosWorld) -> dict[str, int]:
    """Receipts by how their requests ended."""
    with psycopg.connect(world.database_url) as connection:
        counted = "SELECT outcome, count(*) FROM issued_receipts GROUP BY outcome"
        return dict(connection.execute(counted).fetchall())


def until_nothing_is_open(world: ChaosWorld) -> None:
    """Returns once every request is closed."""
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        for _ in range(300):
            if connection.execute("SELECT count(*) FROM intents").fetchone() == (0,):
                return
            connection.execute("SELECT pg_sleep(0.1)")
    pytest.fail("requests stay open")


def finalise(world: ChaosWorld) -> None:
    """Posts what waits, and lets the challenge windows pass."""
    flow = world.serving.flow
    settings = settings_for(flow, world.serving.flow_folder, world.database_url, max_open_jobs=OPEN_JOBS)
    for days in (0, 7):
        flow.devnet.advance(days * DAY + 2)
        with mining(flow.devnet), open_parts(settings, draining=True) as parts:
            drain(parts, everything=True)
    flow.devnet.finalize()
