"""SIGKILL at each step of the indexer, a crashing PostgreSQL, and nodes that throttle, stall, lie and break off."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from alembic import command
from pydantic import SecretStr

from indexer.assembly import assemble
from indexer.operation.watch import Watch
from indexer.rebuild import forget_everything
from indexer.running import follow
from ledger.db.schema import alembic_config
from ledger.db.session import open_engine
from tests.factories.dying_indexer import STEPS, run_until
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tests.factories.rpc_proxy import Proxy, rpc_proxy
from tributary.database import migrate
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory, module_database_url) -> Iterator[IndexedWorld]:
    with indexed_world(devnet, tmp_path_factory.mktemp("kills"), module_database_url) as world:
        world.prepare()
        for units in range(3):
            world.commit([units + 1] * 5)
        world.finalize()
        devnet.finalize()
        world.commit([9])
        devnet.l1.mine(300)  # long enough for every fault of a node to have its turn
        world.index()
        yield world


@pytest.fixture(scope="module")
def fork_server():
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.factories.dying_indexer"])
    return context


@pytest.fixture
def fresh(world, database_url, tmp_path):
    """Settings for an empty database and an empty archive."""
    return world.settings.model_copy(update={"database_url": SecretStr(database_url), "archive_dir": tmp_path / "a"})


def test_killed_at_every_step_it_goes_on_to_the_same_rows(world, fork_server, fresh):
    """One database and one archive through all the kills: each life finds what the one before it left."""
    for step in STEPS:
        if "blob" in step:
            shutil.rmtree(fresh.archive_dir, ignore_errors=True)  # so that there is one to be fetched
        process = fork_server.Process(target=run_until, args=(step, fresh))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL, f"it was to die when {step}"
    with assemble(fresh) as indexer:
        follow_until(indexer, world, fresh)
    assert world.digests_of(fresh.database_url.get_secret_value()) == world.digests()


def follow_until(indexer, world, settings, meanwhile=lambda: None, seconds: float = 60) -> Watch:
    """Follow until as much is indexed as in the world's own database, in which the chain stands still."""
    stop, watch = threading.Event(), Watch()
    follower = threading.Thread(target=follow, args=(indexer, stop, 0.02, watch))
    follower.start()
    deadline = time.monotonic() + seconds
    try:
        while is_behind(world, settings.database_url.get_secret_value()):
            assert time.monotonic() < deadline, watch.loops()
            assert follower.is_alive()
            meanwhile()
            time.sleep(0.02)
    finally:
        stop.set()
        follower.join()
    return watch


def is_behind(world: IndexedWorld, url: str) -> bool:
    try:
        with psycopg.connect(url) as here, psycopg.connect(world.url) as whole:
            ours, theirs = world.progress(here), world.progress(whole)
    except psycopg.OperationalError:
        return True
    return ours[0] < theirs[0] or ours[1] < theirs[1]


def test_a_postgresql_that_crashes_again_and_again_costs_no_row(world, postgres_folder, tmp_path):
    """A killed backend makes the server drop all connections and recover, as after any crash of its own."""
    with PostgresServer(postgres_folder) as server, rpc_proxy(world.settings.l2_rpc_url[0]) as slow:
        url = server.create_database("crashing")
        migrate(url)
        settings = world.settings.model_copy(
            update={"database_url": SecretStr(url), "archive_dir": tmp_path, "l2_rpc_url": (slow.url,)}
        )
        slow.before = lambda _call: time.sleep(0.01)
        crashed_at: list[tuple[int, int]] = []

        def crash() -> None:
            with suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True) as watch:
                here = world.progress(watch)
                backend = watch.execute(
                    "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'tributary-index%' LIMIT 1"
                ).fetchone()
                if backend is not None and here not in crashed_at and len(crashed_at) < 3:
                    crashed_at.append(here)
                    os.kill(backend[0], signal.SIGKILL)

        with assemble(settings) as indexer:
            watch = follow_until(indexer, world, settings, crash)
        assert len(crashed_at) >= 2
        assert any(loop.failures for loop in watch.loops().values())
        assert world.digests_of(url) == world.digests()


def unreliable(proxy: Proxy, moods: random.Random) -> set[str]:
    """Make a node throttle, stall, break off and answer nonsense, each now and then; returns what it did."""
    did: set[str] = set()

    def refusal():
        if moods.random() < 0.15:
            did.add("throttle")
            return 429, {"retry-after": "0"}
        return None

    def before(_call):
        mood = moods.random()
        if mood < 0.02:
            did.add("break off")
            raise ConnectionError
        if mood < 0.04:
            did.add("stall")
            time.sleep(0.3)

    def change(call, answer):
        mood, result = moods.random(), answer.get("result")
        if mood > 0.05 or result is None:
            return answer
        if call["method"] == "eth_getLogs" and result:
            did.add("lie about a log")
            lie = moods.choice([{"blockHash": "0x" + "11" * 32}, {"address": "0x" + "22" * 20}, {"data": "0xzz"}])
            return {**answer, "result": [{**result[0], **lie}, *result[1:]]}
        if call["method"] == "eth_getBlockByNumber":
            did.add("lie about a block")
            lie = moods.choice([None, {**result, "number": "0x1"}, {**result, "parentHash": "0x" + "33" * 32}])
            return {**answer, "result": lie}
        return answer

    proxy.refusal, proxy.before, proxy.change = refusal, before, change
    return did


def test_nodes_that_throttle_stall_lie_and_break_off_only_delay(world, fresh):
    with rpc_proxy(world.settings.l1_rpc_url[0]) as l1, rpc_proxy(world.settings.l2_rpc_url[0]) as l2:
        settings = fresh.model_copy(update={"l1_rpc_url": (l1.url,), "l2_rpc_url": (l2.url,), "patience_seconds": 2.0})
        with assemble(settings) as indexer:
            for follower in (indexer.l1, indexer.l2):
                follower._size.blocks = follower._size.ceiling = 5  # many requests, so that every fault has its turn
            did = unreliable(l1, random.Random(1)) | unreliable(l2, moods := random.Random(2))
            watch = follow_until(indexer, world, settings, seconds=90)
        assert moods.random()
    assert any(loop.failures for loop in watch.loops().values()), did
    assert world.digests_of(settings.database_url.get_secret_value()) == world.digests()


def test_the_schema_goes_down_and_up_again_on_data_and_a_rebuild_fills_it(world, fresh):
    """What a step down takes with it, a rebuild brings back."""
    url = fresh.database_url.get_secret_value()
    with assemble(fresh) as indexer:
        follow_until(indexer, world, fresh)
    for down_to in ("0004_settlement", "base"):
        migrated(url, down_to)
        forget_everything(url)
        with assemble(fresh) as indexer:
            follow_until(indexer, world, fresh)
        assert world.digests_of(url) == world.digests()


def migrated(url: str, down_to: str) -> None:
    config, engine = alembic_config(), open_engine(url)
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, down_to)
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()
