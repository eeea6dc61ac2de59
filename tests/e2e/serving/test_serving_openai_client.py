"""The official client, unmodified, against the gateway: it lists, chats and streams, and can check every receipt."""

from __future__ import annotations

import openai
import pytest

from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.stripping import strip_json
from tests.e2e.serving.checked import check_envelope, check_stream
from tests.factories.serving_world import INPUT_PRICE, RunningGateway, ServingWorld, contents

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "It is a truth universally acknowledged, that a single man"}]


def test_models_are_listed_with_what_they_are_and_cost(client: openai.OpenAI, serving_world: ServingWorld) -> None:
    models = {model.id: model for model in client.models.list()}
    assert models.keys() == serving_world.asset_ids.keys() == {"quill", "quill:austen", "quill:bierce"}
    austen = models["quill:austen"].model_extra
    assert austen["asset_id"] == serving_world.asset_ids["quill:austen"]
    assert austen["content_hash"] == to_hex(contents(serving_world.models)["quill:austen"])
    assert austen["parents"] == [{"asset_id": serving_world.asset_ids["quill"], "ppm": 300_000, "model": "quill"}]
    assert austen["price"]["input_units_per_1000"] == str(INPUT_PRICE)
    assert (austen["identity"], austen["kind"]) == ("verified", "adapter")
    assert client.models.retrieve("quill:austen").model_extra == austen


def test_a_chat_is_answered_with_a_receipt_over_its_very_bytes(
    client: openai.OpenAI, serving_world: ServingWorld
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="quill:austen", messages=CHAT, max_tokens=12, temperature=0
    )
    completion = raw.parse()
    assert completion.object == "chat.completion"
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason in {"length", "stop"}
    produced, envelope = strip_json(raw.content)
    receipt = check_envelope(serving_world, envelope, raw.http_request.content, produced)
    assert receipt.asset_id == serving_world.asset_ids["quill:austen"]
    assert (receipt.input_units, receipt.output_units) == (
        completion.usage.prompt_tokens,
        completion.usage.completion_tokens,
    )
    assert completion.model_extra["receipt"] == envelope
    assert completion._request_id == raw.headers["x-request-id"]


@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream_carries_its_receipt_where_no_client_stumbles_over_it(
    client: openai.OpenAI, serving_world: ServingWorld, include_usage: bool
) -> None:
    options = {"stream_options": {"include_usage": True}} if include_usage else {}
    ask = {"model": "quill:bierce", "messages": CHAT, "max_tokens": 10}
    stream, _, receipt = check_stream(serving_world, client.chat.completions, **ask, **options)
    assert receipt.output_units == 10 or receipt.output_units < 10
    assert stream.endswith(b"data: [DONE]\n\n")
    assert b"\n\n: receipt {" in stream
    assert (b'"usage":null' in stream) is include_usage


def test_streamed_chunks_parse_and_make_up_the_whole_answer(client: openai.OpenAI) -> None:
    ask = {"model": "quill", "messages": CHAT, "max_tokens": 16, "temperature": 0}
    whole = client.chat.completions.create(**ask)
    chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == whole.choices[0].finish_reason
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage
    assert chunks[-1].model_extra["receipt"]["receipt"]["outputUnits"] == whole.usage.completion_tokens
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1


def test_completions_take_prompts_choices_and_logprobs(client: openai.OpenAI, serving_world: ServingWorld) -> None:
    raw = client.completions.with_raw_response.create(
        model="quill:austen", prompt=["She was", "He was"], n=2, max_tokens=5, logprobs=2, seed=7
    )
    answer = raw.parse()
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    for choice in answer.choices:
        assert len(choice.logprobs.tokens) == len(choice.logprobs.token_logprobs) == len(choice.logprobs.text_offset)
        assert choice.logprobs.text_offset[0] == 0
    receipt = check_envelope(serving_world, *_request_and_answer(raw))
    assert receipt.output_units == answer.usage.completion_tokens
    again = client.completions.create(model="quill:austen", prompt=["She was", "He was"], n=2, max_tokens=5, seed=7)
    assert [choice.text for choice in again.choices] == [choice.text for choice in answer.choices]


def test_chat_choices_stream_side_by_side_with_logprobs(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="quill", messages=CHAT, n=3, max_tokens=6, logprobs=True, top_logprobs=2, stream=True
        )
    )
    pieces = [choice for chunk in chunks for choice in chunk.choices]
    assert {piece.index for piece in pieces} == {0, 1, 2}
    assert sum(piece.finish_reason is not None for piece in pieces) == 3
    scored = [token for piece in pieces if piece.logprobs for token in piece.logprobs.content]
    assert scored
    assert all(len(token.top_logprobs) == 2 for token in scored)


def test_a_stop_string_ends_the_text_before_it(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="quill", prompt="The", max_tokens=40, temperature=0).choices[0].text
    stop = whole[len(whole) // 2 :][:3]
    cut = client.completions.create(model="quill", prompt="The", max_tokens=40, temperature=0, stop=stop).choices[0]
    assert cut.text == whole[: whole.index(stop)]
    assert cut.finish_reason == "stop"


def test_the_receipt_is_found_again_by_request_and_by_answer(client: openai.OpenAI, gateway: RunningGateway) -> None:
    raw = client.chat.completions.with_raw_response.create(model="quill", messages=CHAT, max_tokens=4)
    _, envelope = strip_json(raw.content)
    with gateway.client(client.api_key) as http:
        by_request = http.get(f"/v1/receipts/{raw.headers['x-request-id']}").json()
        by_answer = http.get(f"/v1/receipts/{raw.parse().id}").json()
        unknown = http.get("/v1/receipts/req_unknown")
    assert by_request == by_answer
    assert {name: by_request[name] for name in envelope} == envelope
    assert (by_request["status"], by_request["outcome"]) == ("issued", "complete")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    with gateway.client("sk-trib-nobody") as http:
        assert http.get(f"/v1/receipts/{raw.parse().id}").status_code == 401


def _request_and_answer(raw: object) -> tuple[dict, bytes, bytes]:
    produced, envelope = strip_json(raw.content)
    return envelope, raw.http_request.content, produced
