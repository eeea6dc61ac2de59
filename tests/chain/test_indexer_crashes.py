"""Crashes, cut connections and second writers: rows and cursor move together or not at all."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg
import pytest

from indexer.assembly import assemble
from indexer.rebuild import forget_everything
from ledger.config import CHECKOUT
from ledger.errors import LaneFencedError, UsageError
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tests.factories.rpc_proxy import rpc_proxy
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory, module_database_url) -> Iterator[IndexedWorld]:
    with indexed_world(devnet, tmp_path_factory.mktemp("crashes"), module_database_url) as world:
        world.prepare()
        for units in range(4):
            world.commit([units + 1] * 5)
            devnet.l2.mine(20)
        world.index()
        yield world


@pytest.fixture
def slow_l2(world):
    """The L2 behind a proxy that takes its time, so that there is a middle to be hit in."""
    with rpc_proxy(world.flow.devnet.l2_url) as proxy:
        proxy.before = lambda _call: time.sleep(0.02)
        yield proxy


CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = 'cut' AND application_name LIKE 'tributary-index-%'
"""


def start_index(environment, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tributary", "index", *options]
    return subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def is_behind(here: tuple[int, int], whole: tuple[int, int]) -> bool:
    """Whether there are fewer blocks or fewer decided batches; the chain itself goes on."""
    return here[0] < whole[0] or here[1] < whole[1]


def test_a_killed_indexer_goes_on_where_it_was(world, slow_l2, postgres_server, migrated_template):
    """Kill -9 again and again, each time a little further on, until a run comes through."""
    world.index()
    url = postgres_server.create_database("killed", migrated_template)
    environment = world.environment(url, L2_RPC_URL=slow_l2.url)
    moments, seen = random.Random(5), set()
    with psycopg.connect(url, autocommit=True) as watch, psycopg.connect(world.url, autocommit=True) as done:
        whole = world.progress(done)
        while is_behind(world.progress(watch), whole) and len(seen) < 4:
            process = start_index(environment, "--once")
            before, patience = world.progress(watch), time.monotonic() + 60
            while world.progress(watch) == before and process.poll() is None and time.monotonic() < patience:
                time.sleep(0.02)
            time.sleep(moments.random())
            process.kill()
            process.communicate()
            seen.add(world.progress(watch))
    assert len(seen) > 1, "it was killed at different places"
    process = start_index(environment, "--once")
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 0, complaint
    assert world.digests_of(url) == world.digests()
    postgres_server.drop_database("killed")


def test_connections_that_are_cut_lose_nothing(world, slow_l2, postgres_server, migrated_template):
    world.index()
    url = postgres_server.create_database("cut", migrated_template)
    process = start_index(world.environment(url, L2_RPC_URL=slow_l2.url))
    cuts, seen, patience = 0, set(), time.monotonic() + 90
    with psycopg.connect(url, autocommit=True) as watch, psycopg.connect(world.url, autocommit=True) as done:
        whole = world.progress(done)
        while is_behind(here := world.progress(watch), whole) and time.monotonic() < patience:
            if here not in seen and len(seen) < 5:
                seen.add(here)
                cuts += watch.execute(CUT).fetchone()[0]
            time.sleep(0.02)
    process.terminate()
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 0, complaint
    assert cuts >= 2
    assert world.digests_of(url) == world.digests()
    postgres_server.drop_database("cut")


def test_a_second_indexer_on_one_database_stops(world):
    world.index()
    with assemble(world.settings) as first, assemble(world.settings) as second:
        world.flow.devnet.mine(3)
        heads, tip = first.l2._source.heads(), first.l2._tip()
        run = first.l2._source.linked_run(tip, heads.latest.number)
        second.l2.step()
        with pytest.raises(LaneFencedError, match="Another indexer"):
            first.l2._write(tip, first.l2._read(run), heads)


def test_another_deployment_needs_another_database(world, tmp_path):
    text = (world.settings.deployments_dir / "901.json").read_text()
    (tmp_path / "901.json").write_text(json.dumps(json.loads(text) | {"quorum": 1}))
    with pytest.raises(UsageError, match="another deployment"):
        world.index(deployments_dir=tmp_path)


def test_rebuild_forgets_and_makes_the_same_rows_again(world):
    world.index()
    before = world.digests()
    forget_everything(world.url)
    assert world.rows("SELECT count(*) FROM receipts") == [(0,)]
    world.index()
    assert world.digests() == before
