"""What is refused: in OpenAI's shape, before anything is opened, and for nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import psycopg
import pytest

from ledger.chain.structs import Kind
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.signature import address_of, sign
from ledger.protocol.units import fee_up
from serving.catalogue.local import LocalModel
from serving.catalogue.served import CatalogueEntry
from serving.inference.frames import Frames
from serving.onchain.reader import ChainReader
from tests.e2e.serving.test_serving_cut_streams import until
from tests.factories.operator_flow import DAY, key_of
from tests.factories.serving_world import (
    INPUT_PRICE,
    OUTPUT_PRICE,
    RunningGateway,
    ServingWorld,
    buy_key,
    register,
    running,
)

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "Once more unto the breach"}]
ASK = {"model": "quill", "messages": CHAT, "max_tokens": 4}


@pytest.fixture(autouse=True)
def nothing_is_left_open(module_database_url: str) -> Iterator[None]:
    """Each refusal leaves no intent and nothing held."""
    yield

    def nothing() -> bool:
        with psycopg.connect(module_database_url) as connection:
            held = "SELECT payer FROM spend_accounts WHERE held_units <> 0 UNION ALL SELECT payer FROM intents"
            return not connection.execute(held).fetchall()

    until(nothing)


@pytest.fixture
def http(gateway: RunningGateway, api_key: str) -> Iterator[httpx.Client]:
    with gateway.client(api_key) as one:
        yield one


def refused(answer: httpx.Response, status: int, code: str | None) -> dict:
    """The error, which has OpenAI's shape and a request id."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error.keys() >= {"message", "type", "param", "code"}
    assert error["code"] == code
    assert answer.headers["x-request-id"].startswith("req_")
    return error


@pytest.mark.parametrize("key", ["sk-trib-nobody", ""])
def test_an_unknown_key_is_refused(gateway: RunningGateway, key: str) -> None:
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key or "x", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refusal,
    ):
        client.chat.completions.create(**ASK)
    assert refusal.value.code == "invalid_api_key"


def test_no_key_at_all_is_refused(gateway: RunningGateway) -> None:
    with gateway.client() as http:
        refused(http.post("/v1/chat/completions", json=ASK), 401, "invalid_api_key")


def test_an_unknown_model_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="quill:nobody") as refusal:
        client.chat.completions.create(**ASK | {"model": "quill:nobody"})
    assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("quill:nobody")


@pytest.mark.parametrize("body", [b"{", b"", b"[1]", b'"x"', b'{"model": "quill", }', b"[" * 200_000, b"\xff\xfe"])
def test_malformed_json_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert refused(answer, 400, None)["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("change", "param", "code"),
    [
        ({"model": ""}, "model", None),
        ({"messages": None}, "messages", "invalid_value"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"max_tokens": 0}, "max_tokens", "invalid_value"),
        ({"temperature": 3}, "temperature", "invalid_value"),
        ({"temperature": "hot"}, "temperature", "invalid_value"),
        ({"n": 99}, "n", "invalid_value"),
        ({"stream": "yes"}, "stream", None),
        ({"stream_options": {"include_usage": True}}, "stream_options", None),
        ({"tools": [{"type": "function"}]}, "tools", "invalid_value"),
        ({"response_format": {"type": "json_object"}}, "response_format", "invalid_value"),
        ({"min_p": 0.1}, "min_p", "unsupported_parameter"),
    ],
)
def test_a_parameter_that_would_change_nothing_silently_is_refused(
    http: httpx.Client, change: dict, param: str, code: str | None
) -> None:
    error = refused(http.post("/v1/chat/completions", json=ASK | change), 400, code)
    assert error["param"] == param


def test_a_prompt_beyond_the_context_is_refused(http: httpx.Client) -> None:
    refused(http.post("/v1/chat/completions", json=ASK | {"max_tokens": 10**6}), 400, "context_length_exceeded")
    long = [{"role": "user", "content": "word " * 20_000}]
    refused(http.post("/v1/chat/completions", json=ASK | {"messages": long}), 400, "context_length_exceeded")


def test_a_prompt_far_beyond_the_context_is_refused_at_once(http: httpx.Client) -> None:
    began = time.monotonic()
    refused(
        http.post("/v1/completions", json={"model": "quill", "prompt": "word " * 700_000}),
        400,
        "context_length_exceeded",
    )
    assert time.monotonic() - began < 2.0


def test_a_fault_of_the_gateway_itself_costs_nothing(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, module_database_url: str
) -> None:
    def broken(*_: object) -> bytes:
        raise ZeroDivisionError("not for clients")

    monkeypatch.setattr(Frames, "body", broken)  # planted: no request is known that makes the gateway fail
    answer = http.post("/v1/chat/completions", json=ASK)
    assert "not for clients" not in answer.text
    refused(answer, 500, None)

    def last() -> tuple[str, int] | None:
        with psycopg.connect(module_database_url) as connection:
            query = "SELECT outcome, fee_units FROM issued_receipts ORDER BY seq DESC LIMIT 1"
            return connection.execute(query).fetchone()

    until(lambda: last() == ("engine_error", 0))


def test_a_body_beyond_the_limit_is_refused(http: httpx.Client) -> None:
    refused(http.post("/v1/completions", content=b" " * (5 << 20)), 413, "request_too_large")


def test_a_word_that_no_row_can_have_is_refused(
    http: httpx.Client, gateway: RunningGateway, serving_world: ServingWorld
) -> None:
    refused(http.get("/v1/receipts/req_%00"), 400, None)
    refused(http.delete("/v1/keys/%00"), 400, None)
    body = serving_world.authorization(serving_world.deposit("payer with a label", 10**6), 1_000) | {"label": "a\0b"}
    refused(httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False), 400, None)
    body["label"] = "ab"
    assert httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False).status_code == 201


@pytest.mark.parametrize("time", ["9" * 5_000, "1e9", "-1", "", "\u00b2"])
def test_a_time_that_is_none_is_refused(http: httpx.Client, time: str) -> None:
    refused(http.get("/v1/openings/0/0", headers={"x-signed-at": time.encode("latin-1")}), 400, None)


def test_an_unknown_path_is_refused_in_the_same_shape(http: httpx.Client) -> None:
    refused(http.post("/v1/responses", json={}), 404, None)
    refused(http.get("/v1/chat/completions"), 405, None)


def test_a_payer_without_a_deposit_gets_no_key(gateway: RunningGateway, serving_world: ServingWorld) -> None:
    answer = httpx.post(
        f"{gateway.url}/v1/keys", json=serving_world.authorization(key_of("nobody"), 10**6), trust_env=False
    )
    error = refused(answer, 402, "unfunded")
    assert "PaymentEscrow" in error["remedy"]


def test_an_exhausted_cap_says_what_to_do_and_a_raised_one_goes_on(
    gateway: RunningGateway, serving_world: ServingWorld
) -> None:
    payer = serving_world.deposit("tight payer", 10**9)
    exposure = fee_up(200, 4, INPUT_PRICE, OUTPUT_PRICE)
    key = buy_key(gateway.url, serving_world, payer, exposure)
    with gateway.client(key) as http:
        first = http.post("/v1/chat/completions", json=ASK)
        assert first.status_code == 200
        spent = int(first.json()["receipt"]["receipt"]["feeUnits"])
        while (answer := http.post("/v1/chat/completions", json=ASK)).status_code == 200:
            spent += int(answer.json()["receipt"]["receipt"]["feeUnits"])
        error = refused(answer, 402, "cap_exhausted")
        assert "POST /v1/authorizations" in error["remedy"]
        assert spent <= exposure
        raised = http.post("/v1/authorizations", json=serving_world.authorization(payer, 10**8))
        assert raised.status_code == 200, raised.text
        assert http.post("/v1/chat/completions", json=ASK).status_code == 200
        account = http.get("/v1/account").json()
    assert int(account["uncollected_units"]) > spent
    assert int(account["spendable_units"]) == 10**8 - int(account["uncollected_units"])


def test_many_at_once_never_spend_beyond_the_cap(
    gateway: RunningGateway, serving_world: ServingWorld, module_database_url: str
) -> None:
    payer = serving_world.deposit("crowded payer", 10**9)
    cap = 10 * fee_up(30, 4, INPUT_PRICE, OUTPUT_PRICE)
    key = buy_key(gateway.url, serving_world, payer, cap)

    def ask(_: int) -> httpx.Response:
        with gateway.client(key) as http:
            return http.post("/v1/chat/completions", json=ASK)

    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(ask, range(60)))
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 402}
    spent = sum(int(a.json()["receipt"]["receipt"]["feeUnits"]) for a in answers if a.status_code == 200)
    assert 0 < spent <= cap
    with psycopg.connect(module_database_url) as connection:
        rows = connection.execute(
            "SELECT spendable_units, uncollected_units FROM spend_accounts WHERE cap_units = %s", [cap]
        )
        assert rows.fetchall() == [(cap - spent, spent)]


def test_what_thaws_is_not_spent(gateway: RunningGateway, serving_world: ServingWorld) -> None:
    flow = serving_world.flow
    payer = serving_world.deposit("leaving payer", 10**7)
    key = buy_key(gateway.url, serving_world, payer, 10**9)
    flow.send(flow.escrow.thaw(serving_world.operator, 10**7), flow.sender("leaving payer"))
    flow.devnet.l2.mine(40)
    with gateway.client(key) as http:
        http.get("/v1/account")  # reads the account again
        refused(http.post("/v1/chat/completions", json=ASK | {"max_tokens": 100}), 402, "unfunded")
        flow.send(flow.escrow.cancel_thaw(serving_world.operator), flow.sender("leaving payer"))
        flow.devnet.l2.mine(40)
        answer = None
        for _ in range(100):  # until the gateway has seen the new safe block
            answer = http.post("/v1/chat/completions", json=ASK)
            if answer.status_code == 200:
                return
        raise AssertionError(answer)


def test_an_authorization_near_its_end_is_not_taken(gateway: RunningGateway, serving_world: ServingWorld) -> None:
    payer = serving_world.deposit("late payer", 10**7)
    body = serving_world.authorization(payer, 10**6, days=1)
    body["authorization"]["validUntil"] -= DAY
    answer = httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False)
    assert "validUntil" in refused(answer, 400, "invalid_authorization")["message"]


def test_a_published_authorization_buys_no_second_key(gateway: RunningGateway, serving_world: ServingWorld) -> None:
    payer = serving_world.deposit("copied payer", 10**7)
    body = serving_world.authorization(payer, 10**6)
    assert httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False).status_code == 201
    again = httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False)
    assert "higher cumulativeCap" in refused(again, 400, "invalid_authorization")["message"]
    other = serving_world.authorization(payer, 2 * 10**6)
    other["authorization"]["cumulativeCap"] = str(3 * 10**6)
    forged = httpx.post(f"{gateway.url}/v1/keys", json=other, trust_env=False)
    assert "neither the payer" in refused(forged, 400, "invalid_signature")["message"]


def test_an_authorization_that_is_on_chain_buys_no_key(gateway: RunningGateway, serving_world: ServingWorld) -> None:
    flow = serving_world.flow
    payer = serving_world.deposit("public payer", 10**7)
    body = serving_world.authorization(payer, 10**6)

    signed = SpendAuthorization.from_json(body["authorization"])
    flow.send(flow.escrow.authorize([signed], [from_hex(body["signature"], 65)]))
    refused(httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False), 400, "invalid_authorization")


def test_a_session_key_signs_only_once_it_is_registered(gateway: RunningGateway, serving_world: ServingWorld) -> None:
    flow = serving_world.flow
    payer, session = serving_world.deposit("wallet", 10**7), key_of("session key")

    body = serving_world.authorization(payer, 10**6)
    valid_until = body["authorization"]["validUntil"]
    authorization = SpendAuthorization(address_of(payer), serving_world.operator, 10**6, valid_until)
    body["signature"] = to_hex(sign(authorization.digest(flow.deployment.authorization_domain), session))
    refused(httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False), 400, "invalid_signature")
    flow.send(flow.escrow.register_session_key(address_of(session)), flow.sender("wallet"))
    flow.devnet.l2.mine(40)
    issued = httpx.post(f"{gateway.url}/v1/keys", json=body, trust_env=False)
    assert issued.status_code == 201, issued.text
    with gateway.client(issued.json()["key"]) as http:
        assert http.post("/v1/chat/completions", json=ASK).status_code == 200


def test_a_revoked_key_counts_no_more(gateway: RunningGateway, serving_world: ServingWorld) -> None:
    key = buy_key(gateway.url, serving_world, serving_world.deposit("revoking payer", 10**7), 10**6)
    with gateway.client(key) as http:
        assert http.delete("/v1/keys/self").json()["deleted"]
        refused(http.post("/v1/chat/completions", json=ASK), 401, "invalid_api_key")


def test_one_payers_open_requests_are_bounded(serving_world: ServingWorld, database_url: str) -> None:

    settings = serving_world.settings(database_url, lane=1, max_payer_requests=1)
    with running(settings) as gateway:
        key = buy_key(gateway.url, serving_world, serving_world.deposit("busy payer", 10**9), 10**9)
        with gateway.client(key) as http:
            ask = ASK | {"max_tokens": 450, "n": 8, "ignore_eos": True, "stream": True}
            with http.stream("POST", "/v1/chat/completions", json=ask) as first:
                lines = first.iter_lines()
                next(lines)
                second = http.post("/v1/chat/completions", json=ASK)
                refused(second, 429, "rate_limit_exceeded")
                assert int(second.headers["retry-after"]) >= 1


def test_a_model_whose_content_is_a_dataset_on_chain_is_not_served(serving_world: ServingWorld) -> None:
    """Registered under another kind, the same bytes are no model."""

    flow = serving_world.flow
    register(flow, b"\x07" * 32, Kind.DATASET, ())
    reader = ChainReader(flow.l2, flow.deployment, serving_world.operator)
    facts = reader.asset_facts(b"\x07" * 32, reader.heads().latest, flow.devnet.now())
    local = LocalModel("fake", Kind.MODEL, serving_world.models, b"\x07" * 32, "CC0-1.0")
    assert "registered as a dataset" in (CatalogueEntry(local, facts, None).unservable(flow.devnet.now()) or "")
