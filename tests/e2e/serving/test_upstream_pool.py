"""Several servers behind the gateway: who fails is left at once, and comes back by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import psycopg
import pytest
from structlog.testing import capture_logs

from tests.factories.serving_world import RunningGateway, ServingWorld, buy_key, running
from tests.factories.upstreams import PacedNode, paced_nodes, write_upstreams

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "Tell me of the sea"}]
ASK = {"model": "quill", "messages": CHAT, "max_tokens": 2, "stream": True}
FIRST_TOKEN_MS = 50
KNOWN = 24
"""Answers after which a node's pace is known."""


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[PacedNode]]:
    with paced_nodes("a", "b", "c", first_token_ms=FIRST_TOKEN_MS, tokens_per_second=1000) as three:
        yield three


@pytest.fixture(scope="module")
def upstreams(nodes: list[PacedNode], serving_world: ServingWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_upstreams(tmp_path_factory.mktemp("upstream") / "upstreams.toml", nodes, serving_world.models)


@pytest.fixture(scope="module")
def gateway(serving_world: ServingWorld, module_database_url: str, upstreams: Path) -> Iterator[RunningGateway]:
    with running(serving_world.settings(module_database_url, upstreams=upstreams)) as one:
        yield one


@pytest.fixture
def http(gateway: RunningGateway, api_key: str, nodes: list[PacedNode]) -> Iterator[httpx.Client]:
    """A client of a gateway all of whose nodes are well, and known for their pace."""
    for node in nodes:
        node.control(fault="none", slowness=1.0)
    with gateway.client(api_key) as one:
        until(lambda: all(state == "closed" for state in states(gateway).values()))
        until(lambda: all(p is not None for p in paces(gateway)) or not ask_all(one, KNOWN))
        yield one


def until(look: Callable[[], object], seconds: float = 30.0) -> float:
    """Seconds until it was true."""
    began = time.monotonic()
    while not look():
        assert time.monotonic() < began + seconds, "it never came"
        time.sleep(0.01)
    return time.monotonic() - began


def states(gateway: RunningGateway) -> dict[str, str]:
    return {node.name: node.state for node in gateway.gateway.engine.state().nodes}


def paces(gateway: RunningGateway) -> list[float | None]:
    return [node.first_token_p99_seconds for node in gateway.gateway.engine.state().nodes]


def ask_all(http: httpx.Client, count: int, **changes: object) -> list[float]:
    """Seconds of so many requests, twelve at a time, every one of which is answered."""

    def ask(_: int) -> float:
        began = time.monotonic()
        answer = http.post("/v1/chat/completions", json=ASK | changes)
        assert (answer.status_code, answer.content.count(b" w1")) == (200, 1), answer.text
        return time.monotonic() - began

    with ThreadPoolExecutor(12) as pool:
        return list(pool.map(ask, range(count)))


@pytest.mark.parametrize("fault", ["garbage", "nonsense", "noise", "unauthorized"])
def test_a_node_that_answers_garbage_is_left_at_once(
    http: httpx.Client, gateway: RunningGateway, nodes: list[PacedNode], fault: str
) -> None:
    before = nodes[0].control(fault=fault)["requests"]
    ask_all(http, 24)  # every one is answered, those too that met the garbage
    during = nodes[0].control(fault="none")["requests"] - before
    assert 1 <= during <= 12 + 3  # what was on its way together, and the gateway's own trials
    assert until(lambda: states(gateway)["a"] == "closed", 5.0) < 5.0


def test_a_dead_node_is_left_within_a_second_and_taken_back(
    http: httpx.Client, gateway: RunningGateway, nodes: list[PacedNode]
) -> None:
    well = max(ask_all(http, 12))
    nodes[1].kill()
    with ThreadPoolExecutor(1) as pool:
        left = pool.submit(until, lambda: states(gateway)["b"] != "closed")
        assert max(ask_all(http, 36)) < 1.0 + 2 * well
        assert left.result() < 1.0 + well
    nodes[1].start()
    assert until(lambda: states(gateway)["b"] == "closed", 15.0) < 15.0
    seen = nodes[1].seen["requests"]
    ask_all(http, 24)
    assert nodes[1].seen["requests"] > seen


def test_a_node_that_dies_with_requests_on_it_loses_none_that_have_not_begun(
    http: httpx.Client, nodes: list[PacedNode], gateway: RunningGateway
) -> None:
    nodes[2].control(first_token_ms=100)
    timer = threading.Timer(0.05, nodes[2].kill)
    timer.start()
    ask_all(http, 12)
    timer.join()
    nodes[2].start()
    until(lambda: states(gateway)["c"] == "closed", 15.0)


def known_anew(http: httpx.Client, gateway: RunningGateway) -> None:
    """The nodes' paces as they are while nothing is wrong."""
    for node in gateway.gateway.engine.pool.nodes:
        gateway.call(node.paces["stream"].forget)
    until(lambda: all(p is not None for p in paces(gateway)) or not ask_all(http, KNOWN))


@pytest.mark.parametrize("fault", ["stuck", "slow", "silent", "hung"])
def test_a_hung_or_slow_node_is_left_within_three_times_its_own_p99(
    http: httpx.Client, gateway: RunningGateway, nodes: list[PacedNode], fault: str
) -> None:
    known_anew(http, gateway)
    p99 = max(pace for pace in paces(gateway) if pace is not None)
    well = max(ask_all(http, 12))
    tenfold = 10 * p99 * 1000 / FIRST_TOKEN_MS
    nodes[0].control(**({"slowness": tenfold} if fault == "slow" else {"fault": fault}))
    took = ask_all(http, 12)
    limit = 3 * max(p99, 0.1 / 3)
    # A request that met it: the limit, then another node's answer, and what this machine adds.
    assert max(took) < limit + 2 * well + 0.5
    until(lambda: states(gateway)["a"] != "closed", 5.0)
    seen = nodes[0].seen["requests"]
    assert max(ask_all(http, 12)) < limit + well + 0.5
    assert nodes[0].seen["requests"] - seen <= 3  # trials of the gateway's own, no client's request
    nodes[0].control(fault="none", slowness=1.0)
    until(lambda: states(gateway)["a"] == "closed", 30.0)


def test_a_file_with_a_node_that_can_not_be_begun_changes_nothing(
    http: httpx.Client, gateway: RunningGateway, upstreams: Path
) -> None:
    text = upstreams.read_text()
    with capture_logs() as told:
        upstreams.write_text(text.replace('name = "a"', 'name = "a"\napi_key_file = "/nowhere"'))
        until(lambda: any(line["event"] == "upstreams_not_reloaded" for line in told))
    assert set(states(gateway)) == {"a", "b", "c"}
    ask_all(http, 12)
    with capture_logs() as told:
        upstreams.write_text(text)
        until(lambda: any(line["event"] == "upstreams_reloaded" for line in told))
    assert set(states(gateway)) == {"a", "b", "c"}


def test_a_node_that_drains_gets_nothing_new(
    http: httpx.Client, gateway: RunningGateway, nodes: list[PacedNode], upstreams: Path
) -> None:
    text = upstreams.read_text()
    upstreams.write_text(text.replace('name = "a"', 'name = "a"\ndrain = true'))
    until(lambda: states(gateway)["a"] == "draining")
    seen = nodes[0].seen["requests"]
    ask_all(http, 12)
    assert nodes[0].seen["requests"] == seen
    upstreams.write_text(text)
    until(lambda: states(gateway)["a"] == "closed")


def test_a_node_that_leaves_the_file_ends_what_runs_on_it(
    http: httpx.Client, gateway: RunningGateway, nodes: list[PacedNode], upstreams: Path
) -> None:
    text = upstreams.read_text()
    head, _first, *others = text.split("[[node]]")
    slow = ASK | {"max_tokens": 1500}
    with ThreadPoolExecutor(6) as pool:
        long_ones = [pool.submit(http.post, "/v1/chat/completions", json=slow) for _ in range(6)]
        until(lambda: all(node.running for node in gateway.gateway.engine.state().nodes))
        upstreams.write_text("[[node]]".join([head, *others]))
        until(lambda: set(states(gateway)) == {"b", "c"})
        assert nodes[0].seen["running"] > 0
        assert {one.result().status_code for one in long_ones} == {200}
        assert all(one.result().content.endswith(b"data: [DONE]\n\n") for one in long_ones)
        assert all(b'"error"' not in one.result().content for one in long_ones)
    upstreams.write_text(text)
    until(lambda: states(gateway).get("a") == "closed")


def test_an_adapter_is_loaded_once_and_its_node_preferred(
    http: httpx.Client, gateway: RunningGateway, nodes: list[PacedNode]
) -> None:
    for _ in range(6):
        ask_all(http, 1, model="quill:austen")
    loads = [node.seen["loads"] for node in nodes]
    assert sum(map(len, loads)) == 1
    holder = next(node for node in nodes if node.seen["loads"])
    name = holder.seen["loads"][0]
    assert holder.seen["adapters"] == {name: "/srv/models/adapters/austen"}
    austen = next(e for e in gateway.gateway.catalogue.servable() if e.local.model_id == "quill:austen")
    assert name == f"quill:austen@{austen.local.content_hash.hex()[:8]}"
    holder.kill()  # it forgets its adapters with its process
    ask_all(http, 1, model="quill:austen")
    holder.start()
    until(lambda: set(states(gateway).values()) == {"closed"}, 15.0)


def test_metrics_and_readiness_say_how_the_nodes_are(http: httpx.Client, nodes: list[PacedNode]) -> None:
    page = http.get("/metrics").text
    assert 'serving_upstream_up{node="a"} 1.0' in page
    assert 'serving_upstream_faults_total{fault="unreachable",node="b"}' in page
    assert http.get("/ready").status_code == 200
    for node in nodes:
        node.control(fault="hung")
    until(lambda: http.get("/ready").status_code == 503, 10.0)
    assert "no server behind the gateway answers" in http.get("/ready").json()["reasons"]
    refused = http.post("/v1/chat/completions", json=ASK)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "engine_unavailable")
    assert int(refused.headers["retry-after"]) >= 1
    for node in nodes:
        node.control(fault="none")
    until(lambda: http.get("/ready").status_code == 200, 30.0)


def test_the_clients_own_retries_ride_out_an_outage_of_all(
    http: httpx.Client, gateway: RunningGateway, api_key: str, nodes: list[PacedNode]
) -> None:
    for node in nodes:
        node.kill()
    timer = threading.Timer(1.0, lambda: [node.start() for node in nodes])
    timer.start()
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=api_key, max_retries=8) as client:
        answer = client.chat.completions.create(model="quill", messages=CHAT, max_tokens=2)
    timer.join()
    assert answer.usage.completion_tokens == 2
    until(lambda: set(states(gateway).values()) == {"closed"}, 15.0)


def test_a_payer_that_floods_does_not_keep_another_waiting(
    serving_world: ServingWorld, gateway: RunningGateway, http: httpx.Client, upstreams: Path, nodes: list[PacedNode]
) -> None:
    payer = serving_world.deposit("a modest payer", 10**12)
    other = buy_key(gateway.url, serving_world, payer, 10**12)
    text = upstreams.read_text()
    upstreams.write_text(text.replace('kind = "vllm"', 'kind = "vllm"\nmax_running = 1'))
    until(lambda: all(node.settings.max_running == 1 for node in gateway.gateway.engine.pool.nodes))
    try:
        with ThreadPoolExecutor(40) as pool, gateway.client(other) as modest:
            flood = [pool.submit(http.post, "/v1/chat/completions", json=ASK | {"max_tokens": 60}) for _ in range(40)]
            until(lambda: gateway.gateway.engine.state().waiting > 20)
            answer = modest.post("/v1/chat/completions", json=ASK)
            still_waiting = gateway.gateway.engine.state().waiting
            assert answer.status_code == 200
            assert still_waiting > 10  # it came before most of the flood that was there first
            assert {one.result().status_code for one in flood} <= {200, 503}
    finally:
        upstreams.write_text(text)
        until(lambda: all(node.settings.max_running == 64 for node in gateway.gateway.engine.pool.nodes))


def test_in_the_end_every_request_has_one_receipt_and_nothing_is_held(
    http: httpx.Client, gateway: RunningGateway, module_database_url: str, nodes: list[PacedNode]
) -> None:
    def count(query: str) -> int:
        with psycopg.connect(module_database_url) as connection:
            return int(connection.execute(query).fetchone()[0])

    until(lambda: count("SELECT count(*) FROM intents") == 0)
    assert count("SELECT count(*) - max(seq) - 1 FROM issued_receipts") == 0
    assert count("SELECT count(*) FROM spend_accounts WHERE held_units <> 0") == 0
    assert count("SELECT count(*) FROM issued_receipts WHERE outcome = 'engine_error' AND fee_units > 0") == 0
    assert all(node.running == 0 and node.units == 0 for node in gateway.gateway.engine.pool.nodes)
    assert all(node.seen["running"] == 0 for node in nodes)
