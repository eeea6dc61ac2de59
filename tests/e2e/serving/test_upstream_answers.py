"""Answers of another server, through the gateway: passed on as they are, metered, receipted."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest

from ledger.protocol.stripping import strip_json, strip_stream
from tests.e2e.serving.checked import check_envelope, check_stream, events_of
from tests.factories.serving_world import RunningGateway, ServingWorld, running
from tests.factories.upstreams import PacedNode, paced_nodes, write_upstreams

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "It is a truth universally acknowledged"}]
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture(scope="module")
def node() -> Iterator[PacedNode]:
    with paced_nodes("only", first_token_ms=2, tokens_per_second=2000) as (one,):
        yield one


@pytest.fixture(scope="module")
def gateway(
    serving_world: ServingWorld,
    module_database_url: str,
    node: PacedNode,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningGateway]:
    path = write_upstreams(tmp_path_factory.mktemp("upstream") / "upstreams.toml", [node], serving_world.models)
    with running(serving_world.settings(module_database_url, upstreams=path)) as one:
        yield one


@pytest.fixture(autouse=True)
def _well(node: PacedNode) -> Iterator[None]:
    yield
    node.control(fault="none", after=3, tokens_per_second=2000)


def test_models_are_listed_as_declared(client: openai.OpenAI) -> None:
    models = {model.id: model.model_extra for model in client.models.list()}
    assert models.keys() == {"quill", "quill:austen", "quill:bierce"}
    assert {extra["identity"] for extra in models.values()} == {"declared"}
    assert {extra["context_tokens"] for extra in models.values()} == {512}


def test_a_whole_answer_is_receipted_for_what_the_node_says(
    client: openai.OpenAI, serving_world: ServingWorld, node: PacedNode
) -> None:
    raw = client.chat.completions.with_raw_response.create(model="quill:austen", messages=CHAT, max_tokens=5)
    produced, envelope = strip_json(raw.content)
    receipt = check_envelope(serving_world, envelope, raw.http_request.content, produced)
    answer = raw.parse()
    assert answer.model == "quill:austen"
    assert answer.choices[0].message.content == " w0 w1 w2 w3 w4"
    assert (receipt.input_units, receipt.output_units) == (6, 5)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 5)
    assert answer.usage.prompt_tokens_details.cached_tokens == 1
    assert receipt.asset_id == serving_world.asset_ids["quill:austen"]
    assert answer.system_fingerprint == "only:/srv/models/adapters/austen"
    assert answer.id.removeprefix("chatcmpl-") == raw.headers["x-request-id"].removeprefix("req_")


@pytest.mark.parametrize("include_usage", [False, True])
def test_usage_is_asked_for_and_taken_out_again(
    client: openai.OpenAI, serving_world: ServingWorld, node: PacedNode, include_usage: bool
) -> None:
    options = {"stream_options": {"include_usage": True}} if include_usage else {}
    ask = {"model": "quill", "messages": CHAT, "max_tokens": 4}
    _, produced, receipt = check_stream(serving_world, client.chat.completions, **ask, **options)
    assert (receipt.input_units, receipt.output_units) == (6, 4)
    assert node.last_body["stream_options"]["include_usage"] is True
    events = events_of(produced)
    assert [e["usage"] for e in events if e.get("usage")] == (
        [
            {
                "prompt_tokens": 6,
                "completion_tokens": 4,
                "total_tokens": 10,
                "prompt_tokens_details": {"cached_tokens": 1},
            }
        ]
        if include_usage
        else []
    )
    roles = [c["delta"]["role"] for e in events for c in e["choices"] if "role" in c["delta"]]
    assert roles == ["assistant"]
    assert {e["system_fingerprint"] for e in events if e["choices"]} == {"only:"}


def test_what_the_gateway_does_not_know_goes_through_unchanged(client: openai.OpenAI, node: PacedNode) -> None:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    asked = {
        "messages": [{"role": "user", "content": parts}],
        "tools": [TOOL],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
        "max_completion_tokens": 3,
        "logit_bias": {"50256": -100},
    }
    answer = client.chat.completions.create(
        model="quill", **asked, extra_body={"guided_regex": "a+", "top_k": 3, "π": 1e-7}
    )
    sent = node.last_body
    assert {name: sent[name] for name in asked} == asked
    assert (sent["guided_regex"], sent["top_k"], sent["π"], sent["model"]) == ("a+", 3, 1e-7, "quill")
    assert sent.keys() == {*asked, "model", "guided_regex", "top_k", "π"}
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"
    assert answer.model_extra["echoed"]["top_k"] == 3


def test_embeddings_come_with_a_receipt_over_their_prompt(client: openai.OpenAI, serving_world: ServingWorld) -> None:
    raw = client.embeddings.with_raw_response.create(
        model="quill", input=["one two three", "four"], encoding_format="float"
    )
    produced, envelope = strip_json(raw.content)
    receipt = check_envelope(serving_world, envelope, raw.http_request.content, produced)
    answer = raw.parse()
    assert [one.embedding for one in answer.data] == [[0.25, -1e-05], [0.5, -1e-05]]
    assert (receipt.input_units, receipt.output_units, answer.usage.prompt_tokens) == (4, 0, 4)
    assert receipt.fee_units > 0


def test_several_choices_and_completions(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="quill", prompt=["a b", "c"], n=2, max_tokens=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert answer.usage.completion_tokens == 12
    chunks = list(client.chat.completions.create(model="quill", messages=CHAT, n=3, max_tokens=2, stream=True))
    assert {c.index for chunk in chunks for c in chunk.choices} == {0, 1, 2}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("fault", "charged"), [("no_usage", 5), ("zero_usage", 5), ("greedy_usage", 5), ("none", 5)])
def test_a_count_is_taken_within_what_was_sent(
    client: openai.OpenAI, node: PacedNode, fault: str, charged: int, streamed: bool
) -> None:
    node.control(fault=fault)
    receipt, sent = receipt_of(client, streamed)
    if fault == "greedy_usage":  # a token stands for a byte at least; one more for the end
        assert charged <= receipt["outputUnits"] <= len(sent) + 1
    else:
        assert receipt["outputUnits"] == charged
    assert 6 <= receipt["inputUnits"] <= 6 + 512


def receipt_of(client: openai.OpenAI, streamed: bool) -> tuple[dict, str]:
    """The receipt of an answer of five tokens, and its text."""
    asked = {"model": "quill", "messages": CHAT, "max_tokens": 5}
    if not streamed:
        answer = client.chat.completions.create(**asked)
        return answer.model_extra["receipt"]["receipt"], answer.choices[0].message.content
    with client.chat.completions.with_streaming_response.create(**asked, stream=True) as raw:
        produced, envelope = strip_stream(b"".join(raw.iter_bytes()))
    told = (choice["delta"].get("content") or "" for event in events_of(produced) for choice in event["choices"])
    return envelope["receipt"], "".join(told)


@pytest.mark.parametrize("fault", ["cut", "error_event", "broken_stream", "no_finish"])
def test_a_stream_that_the_node_breaks_off_costs_nothing(
    gateway: RunningGateway, api_key: str, node: PacedNode, fault: str
) -> None:
    node.control(fault=fault, tokens_per_second=50)
    with gateway.client(api_key) as http:
        asked = {"model": "quill", "messages": CHAT, "max_tokens": 8, "stream": True}
        stream = http.post("/v1/chat/completions", json=asked)
        node.control(fault="none")
        produced, envelope = strip_stream(stream.content)
        found = http.get(f"/v1/receipts/{stream.headers['x-request-id']}").json()
    assert b'"error"' in produced
    assert stream.content.endswith(b"data: [DONE]\n\n")
    assert found["outcome"] == "engine_error"
    assert (envelope["receipt"]["outputUnits"], envelope["receipt"]["feeUnits"]) == (0, "0")


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("context", 400, "context_length_exceeded"),
        ("busy", 503, "overloaded"),
        ("error", 503, "engine_unavailable"),
        ("garbage", 503, "engine_unavailable"),
        ("nonsense", 503, "engine_unavailable"),
        ("noise", 503, "engine_unavailable"),
        ("drop", 503, "engine_unavailable"),
        ("unauthorized", 503, "engine_unavailable"),
    ],
)
def test_a_node_that_fails_ends_in_openais_shape_and_nothing_to_pay(
    gateway: RunningGateway, api_key: str, node: PacedNode, fault: str, status: int, code: str, streamed: bool
) -> None:
    node.control(fault=fault)
    with gateway.client(api_key) as http:
        answer = http.post("/v1/chat/completions", json={"model": "quill", "messages": CHAT, "stream": streamed})
        node.control(fault="none")
        body = answer.json()
        assert (answer.status_code, body["error"]["code"]) == (status, code)
        assert "unauthorized" not in answer.text.lower()
        assert int(body["receipt"]["receipt"]["feeUnits"]) == 0
        if status == 503:
            assert int(answer.headers["retry-after"]) >= (2 if fault == "busy" else 1)
        until_served(http)


def until_served(http: httpx.Client) -> None:
    """Until the node came back by itself."""
    for _ in range(100):
        answer = http.post("/v1/chat/completions", json={"model": "quill", "messages": CHAT, "max_tokens": 1})
        if answer.status_code == 200:
            return
    raise AssertionError("it never came back")


def test_a_client_that_leaves_stops_the_node_and_pays_for_what_it_was_sent(
    gateway: RunningGateway, api_key: str, node: PacedNode
) -> None:
    node.control(tokens_per_second=50)
    try:
        with gateway.client(api_key) as http:
            asked = {"model": "quill", "messages": CHAT, "max_tokens": 400, "stream": True}
            with http.stream("POST", "/v1/chat/completions", json=asked) as answer:
                request_id = answer.headers["x-request-id"]
                for number, _ in enumerate(answer.iter_raw()):
                    if number == 6:
                        break
            found = until_issued(http, request_id)
        assert (found["outcome"], found["receipt"]["inputUnits"]) == ("client_disconnect", 6)
        assert 3 <= found["receipt"]["outputUnits"] <= 40
        assert node.seen["running"] == 0
    finally:
        node.control(tokens_per_second=2000)


def until_issued(http: httpx.Client, request_id: str) -> dict:
    for _ in range(500):
        answer = http.get(f"/v1/receipts/{request_id}")
        if answer.status_code == 200:
            return dict(answer.json())
    raise AssertionError("no receipt")
