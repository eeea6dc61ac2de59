"""Servers that fail at random under traffic: whatever a client was told, its receipt says the same."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from ledger.protocol.stripping import strip_json, strip_stream
from tests.factories.serving_world import RunningGateway, ServingWorld, running
from tests.factories.upstreams import PacedNode, paced_nodes, write_upstreams

pytestmark = pytest.mark.e2e

SEED = 8453
SECONDS = 8.0
CLIENTS = 8
FAULTS = ("none", "none", "stuck", "hung", "drop", "garbage", "noise", "error", "busy", "cut", "error_event", "stall")
CHAT = [{"role": "user", "content": "one two three"}]


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[PacedNode]]:
    with paced_nodes("a", "b", "c", first_token_ms=5, tokens_per_second=300) as three:
        yield three


@pytest.fixture(scope="module")
def gateway(
    serving_world: ServingWorld,
    module_database_url: str,
    nodes: list[PacedNode],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningGateway]:
    path = tmp_path_factory.mktemp("upstream") / "upstreams.toml"
    pool = {"stall_seconds": 0.5, "first_token_seconds": 2.0, "answer_seconds": 2.0}
    write_upstreams(path, nodes, serving_world.models, pool=pool)
    with running(serving_world.settings(module_database_url, upstreams=path)) as one:
        yield one


def trouble(nodes: list[PacedNode], until: float) -> None:
    """Faults, kills and restarts, one after the other; the last node is spared, so that there is always one."""
    drawn = random.Random(SEED)
    while time.monotonic() < until:
        node = drawn.choice(nodes[:2])
        if drawn.random() < 0.25:
            node.kill()
            time.sleep(drawn.uniform(0.05, 0.4))
            node.start()
        else:
            node.control(fault=drawn.choice(FAULTS), slowness=drawn.choice((1.0, 1.0, 10.0)), after=drawn.randrange(6))
        time.sleep(drawn.uniform(0.05, 0.3))
    for node in nodes:
        node.control(fault="none", slowness=1.0)


def ask(url: str, key: str, number: int) -> tuple[str, str | None]:
    """How one request ended, and its id once everything that it was told was compared with its receipt."""
    drawn = random.Random(SEED + number)
    stream, leave_after = drawn.random() < 0.7, drawn.choice((None, None, None, 3))
    model = drawn.choice(("quill", "quill:austen", "quill:bierce"))
    asked = {"model": model, "messages": CHAT, "max_tokens": drawn.randrange(1, 20), "stream": stream}
    received = b""
    bearer = {"Authorization": f"Bearer {key}"}
    with (
        httpx.Client(base_url=url, headers=bearer, timeout=30, trust_env=False) as http,
        http.stream("POST", "/v1/chat/completions", json=asked) as answer,
    ):
        request_id = answer.headers["x-request-id"]
        for count, chunk in enumerate(answer.iter_raw()):
            received += chunk
            if stream and count == leave_after:
                return "left", request_id
    if answer.status_code != 200:
        error = json.loads(received)
        assert error["error"]["code"] in {"engine_unavailable", "overloaded"}, error
        receipt = error.get("receipt")
        assert receipt is None or receipt["receipt"]["feeUnits"] == "0"
        return "refused", request_id if receipt else None
    produced, envelope = strip_stream(received) if stream else strip_json(received)
    receipt = envelope["receipt"]
    if b'data: {"error"' in produced:
        assert (receipt["outputUnits"], receipt["feeUnits"]) == (0, "0")
        return "broken off", request_id
    assert receipt["outputUnits"] == asked["max_tokens"] == produced.count(b" w")
    assert receipt["inputUnits"] == 3
    return "answered", request_id


def test_every_request_has_one_receipt_that_says_what_its_client_was_told(
    gateway: RunningGateway, api_key: str, nodes: list[PacedNode], module_database_url: str
) -> None:
    until = time.monotonic() + SECONDS
    troubling = threading.Thread(target=trouble, args=(nodes, until))
    troubling.start()
    outcomes: list[tuple[str, str | None]] = []

    def client(first: int) -> None:
        number = first
        while time.monotonic() < until:
            outcomes.append(ask(gateway.url, api_key, number))
            number += CLIENTS

    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(client, number) for number in range(CLIENTS)]:
            done.result()
    troubling.join()
    told = Counter(outcome for outcome, _ in outcomes)
    assert told["answered"] > told["refused"] + told["broken off"], told

    with psycopg.connect(module_database_url) as connection:
        deadline = time.monotonic() + 20
        while connection.execute("SELECT count(*) FROM intents").fetchone() != (0,):
            assert time.monotonic() < deadline, "requests stay open"
            connection.rollback()
            time.sleep(0.05)
        rows = connection.execute(
            "SELECT request_id, outcome, output_units, fee_units, seq FROM issued_receipts"
        ).fetchall()
        assert connection.execute("SELECT payer FROM spend_accounts WHERE held_units <> 0").fetchall() == []
    assert sorted(seq for *_, seq in rows) == list(range(len(rows)))
    issued = {request_id: (outcome, units, fee) for request_id, outcome, units, fee, _ in rows}
    expected = {request_id for _, request_id in outcomes if request_id is not None}
    assert len(issued) == len(rows)
    assert issued.keys() == expected
    ends = {"answered": {"complete"}, "broken off": {"engine_error"}, "refused": {"engine_error"}}
    for told_outcome, request_id in outcomes:
        if request_id is not None and told_outcome in ends:
            assert issued[request_id][0] in ends[told_outcome]
    assert all(fee == 0 for outcome, _, fee in issued.values() if outcome == "engine_error")
    assert all(node.running == 0 for node in gateway.gateway.engine.pool.nodes)
