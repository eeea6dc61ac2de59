"""The indexer as a process: what it tells over HTTP, and how it ends when it cannot go on."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ledger.config import CHECKOUT
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tests.factories.rpc_proxy import rpc_proxy
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory, module_database_url) -> Iterator[IndexedWorld]:
    with indexed_world(devnet, tmp_path_factory.mktemp("operation"), module_database_url) as world:
        world.prepare()
        world.commit([5, 6, 7])
        yield world


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "tributary", "index", *options]


@contextmanager
def running(environment: dict[str, str]) -> Iterator[httpx.Client]:
    """A following indexer, as the client of its HTTP server."""
    process = subprocess.Popen(
        command(), cwd=CHECKOUT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        said = re.search(rb"http://[\d.]+:\d+", process.stderr.readline())
        assert said is not None
        with httpx.Client(base_url=said[0].decode(), trust_env=False, timeout=10) as client:
            yield client
        process.terminate()
        process.communicate(timeout=30)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def awaited(condition: Callable[[], bool], seconds: float = 45) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def metric(client: httpx.Client, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(client.get("/metrics").text)
    (value,) = [s.value for family in families for s in family.samples if s.name == name and s.labels == labels]
    return value


def test_a_following_indexer_tells_how_it_fares(world, postgres_server, migrated_template):
    url = postgres_server.create_database("operation", migrated_template)
    with rpc_proxy(world.flow.devnet.l2_url) as l2:
        environment = world.environment(
            url, INDEXER_PORT="0", L2_RPC_URL=l2.url, INDEXER_READY_SECONDS="3", INDEXER_PATIENCE_SECONDS="0.5"
        )
        with running(environment) as client:
            assert client.get("/health").json() == {"status": "ok"}
            awaited(lambda: client.get("/ready").status_code == 200)
            awaited(lambda: client.get("/status").json()["index"]["valid"] == 1)
            status = client.get("/status").json()
            assert status["index"]["receipts"] == 3
            assert status["index"]["missing"] == 0
            assert status["loops"]["L2"]["blocks_behind"] == 0
            assert metric(client, "indexer_receipts_total") == 3
            assert metric(client, "indexer_batches", verdict="valid") == 1
            assert metric(client, "indexer_blocks_behind", chain="L1") == 0
            assert metric(client, "indexer_block", chain="901", tag="latest") > 0

            def refuse(_call: object) -> None:
                raise ConnectionError

            l2.before = refuse
            awaited(lambda: client.get("/ready").status_code == 503)
            assert any(reason.startswith("L2") for reason in client.get("/ready").json()["reasons"])
            assert client.get("/health").status_code == 200
            l2.before = lambda _call: None
            awaited(lambda: client.get("/ready").status_code == 200)
    postgres_server.drop_database("operation")


def ended(environment: dict[str, str], *options: str) -> tuple[int, list[str]]:
    """(exit code, lines on standard error) of a run that ends by itself; log lines, which are JSON, are left out."""
    done = subprocess.run(
        command(*options), cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    return done.returncode, [line for line in done.stderr.splitlines() if not line.startswith("{")]


def test_a_node_that_goes_away_half_way_ends_one_pass_with_a_sentence(world, postgres_server, migrated_template):
    url = postgres_server.create_database("gone", migrated_template)
    with rpc_proxy(world.flow.devnet.l2_url) as l2:

        def gone_after_the_heads(call: dict[str, object]) -> None:
            if call["method"] == "eth_getLogs":
                raise ConnectionError

        l2.before = gone_after_the_heads
        code, complaints = ended(world.environment(url, L2_RPC_URL=l2.url, INDEXER_PATIENCE_SECONDS="0.5"), "--once")
    assert code == 1
    assert len(complaints) == 1
    assert complaints[0].startswith("L2 is out of reach")
    code, complaints = ended(world.environment(url), "--once")
    assert (code, complaints) == (0, [])
    postgres_server.drop_database("gone")


def test_a_node_of_another_chain_ends_it_with_a_sentence(world, database_url):
    environment = world.environment(database_url, L1_RPC_URL=world.settings.l2_rpc_url[0])
    code, complaints = ended(environment, "--once")
    assert code == 1
    assert len(complaints) == 1
    assert "901" in complaints[0]
    assert "900" in complaints[0]


def test_a_port_that_is_taken_is_named(world, database_url):
    taken = world.settings.l1_rpc_url[0].rpartition(":")[2]
    code, complaints = ended(world.environment(database_url, INDEXER_PORT=taken), "--once")
    assert code == 1
    assert len(complaints) == 1
    assert taken in complaints[0]
