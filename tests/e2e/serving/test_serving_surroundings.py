"""The world around a running gateway changes: its node goes, its key is revoked, it is told to stop."""

from __future__ import annotations

import time

import httpx
import psycopg
import pytest

from ledger.errors import SettingsError
from ledger.protocol.signature import address_of
from serving import gateway as gateway_module
from tests.e2e.serving.test_serving_cut_streams import tokens_in, until
from tests.factories.operator_flow import key_of
from tests.factories.rpc_proxy import rpc_proxy
from tests.factories.serving_world import ServingWorld, buy_key, running

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "Out, out, brief candle"}]
ASK = {"model": "quill", "messages": CHAT, "max_tokens": 4}


def test_without_its_node_it_serves_on_for_a_while_and_then_says_so(
    serving_world: ServingWorld, database_url: str
) -> None:
    with rpc_proxy(serving_world.flow.devnet.l2_url) as proxy:
        settings = serving_world.settings(database_url, lane=1, l2_rpc_url=proxy.url, chain_patience_seconds=6.0)
        with running(settings) as gateway:
            key = buy_key(gateway.url, serving_world, serving_world.deposit("patient payer", 10**9), 10**8)
            with gateway.client(key) as http:
                assert http.post("/v1/chat/completions", json=ASK).status_code == 200

                honest, busy = proxy.change, {"error": {"code": -32005, "message": "rate limit exceeded"}}
                proxy.change = lambda call, _: {"jsonrpc": "2.0", "id": call["id"]} | busy
                assert http.post("/v1/chat/completions", json=ASK).status_code == 200
                refused = until(lambda: unavailable(http.post("/v1/chat/completions", json=ASK)))
                assert refused.json()["error"]["code"] == "chain_unavailable"
                assert "the L2 is out of reach" in http.get("/ready").json()["reasons"]
                proxy.change = honest
                until(lambda: http.post("/v1/chat/completions", json=ASK).status_code == 200)


def unavailable(answer: httpx.Response) -> httpx.Response | None:
    return answer if answer.status_code == 503 else None


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Assets, prices and the lane's key are read with each look at the chain, for which a test need not wait."""
    monkeypatch.setattr(gateway_module, "_CATALOGUE_SECONDS", 0.0)


@pytest.mark.usefixtures("often")
def test_a_gateway_whose_key_is_revoked_stops(serving_world: ServingWorld, database_url: str) -> None:
    flow, key = serving_world.flow, key_of("short-lived lane key")
    flow.send(flow.operators.add_key(9, address_of(key)))
    settings = serving_world.settings(database_url, lane=9, lane_key="0x" + key.secret.hex())
    stopped: list[SettingsError] = []
    with running(settings) as gateway:
        flow.send(flow.operators.revoke_key(9, address_of(key)))
        stopped.append(until(lambda: gateway.gateway.follower.failure))
        until(lambda: not answers(gateway.url))
    assert "not registered for lane 9" in str(stopped[0])


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.usefixtures("often")
def test_a_price_that_was_announced_comes_into_force_in_time(serving_world: ServingWorld, database_url: str) -> None:
    """The published price of the second in which a request starts, also around a change."""
    flow, asset_id = serving_world.flow, serving_world.asset_ids["quill:austen"]
    ask = ASK | {"model": "quill:austen"}
    with running(serving_world.settings(database_url, lane=1)) as gateway:
        key = buy_key(gateway.url, serving_world, serving_world.deposit("thrifty payer", 10**9), 10**8)
        with gateway.client(key) as http:

            def price_charged() -> int:
                receipt = http.post("/v1/chat/completions", json=ask).json()["receipt"]["receipt"]
                chain = flow.operators.price_at(serving_world.operator, asset_id, receipt["startedAt"], "latest")
                cost = (
                    receipt["inputUnits"] * chain.input_price_units + receipt["outputUnits"] * chain.output_price_units
                )
                assert int(receipt["feeUnits"]) == -(-cost // 1000)
                return chain.output_price_units

            before = price_charged()
            flow.send(flow.operators.set_price(asset_id, 1_000, before - 1_000))
            changes = until(lambda: http.get("/v1/models/quill:austen").json()["price_changes"])
            assert changes[0]["output_units_per_1000"] == str(before - 1_000)
            assert price_charged() == before
            flow.devnet.advance(601)
            until(lambda: price_charged() == before - 1_000)


def test_a_stream_that_the_shutdown_cuts_is_receipted_for_what_was_sent(
    serving_world: ServingWorld, database_url: str
) -> None:
    ask = ASK | {"max_tokens": 450, "ignore_eos": True, "logprobs": True, "stream": True}
    with running(serving_world.settings(database_url, lane=1, shutdown_seconds=0)) as gateway:
        key = buy_key(gateway.url, serving_world, serving_world.deposit("cut payer", 10**9), 10**8)
        received = b""
        with gateway.client(key) as http, http.stream("POST", "/v1/chat/completions", json=ask) as stream:
            try:
                for chunk in stream.iter_raw():
                    if not received:
                        gateway.call(gateway.gateway.on_fatal)
                    received += chunk
                    time.sleep(0.002)
            except httpx.TransportError:
                pass
    with psycopg.connect(database_url) as connection:
        outcome, units = connection.execute("SELECT outcome, output_units FROM issued_receipts").fetchone()
        assert connection.execute("SELECT count(*) FROM intents").fetchone() == (0,)
    assert (outcome, units < 450) == ("client_disconnect", True)
    assert units == tokens_in(received)
