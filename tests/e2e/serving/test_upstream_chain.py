"""A gateway of this project as the upstream of another: the real engine over real HTTP, receipted twice."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from ledger.protocol.stripping import strip_json
from tests.e2e.serving.checked import check_envelope, check_stream
from tests.factories.serving_world import RunningGateway, ServingWorld

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "It is a truth universally acknowledged"}]


@pytest.fixture
def bought(outer: RunningGateway, api_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{outer.url}/v1", api_key=api_key, max_retries=0) as one:
        yield one


def test_both_gateways_count_the_same_tokens(
    bought: openai.OpenAI, client: openai.OpenAI, serving_world: ServingWorld
) -> None:
    asked = {"model": "quill:austen", "messages": CHAT, "max_tokens": 12, "temperature": 0, "logprobs": True}
    raw = bought.chat.completions.with_raw_response.create(**asked)
    produced, envelope = strip_json(raw.content)
    receipt = check_envelope(serving_world, envelope, raw.http_request.content, produced)
    direct = client.chat.completions.create(**asked)
    assert raw.parse().choices[0].model_dump() == direct.choices[0].model_dump()
    assert (receipt.lane, receipt.input_units, receipt.output_units) == (
        2,
        direct.usage.prompt_tokens,
        direct.usage.completion_tokens,
    )
    assert raw.content.count(b'"receipt":{"receipt"') == 1  # the inner one is the outer gateway's own affair


def test_a_stream_through_both_has_one_receipt_and_one_end(bought: openai.OpenAI, serving_world: ServingWorld) -> None:
    ask = {"model": "quill", "prompt": ["She was", "He was"], "n": 2, "max_tokens": 9, "seed": 3}
    stream, _, receipt = check_stream(serving_world, bought.completions, **ask)
    assert stream.count(b": receipt ") == stream.count(b"data: [DONE]") == 1
    assert 4 <= receipt.output_units <= 36


def test_the_inner_refusal_reaches_the_client_as_it_was_meant(bought: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        bought.chat.completions.create(model="quill", messages=CHAT, max_tokens=4, top_p=0.5, logit_bias={"1": 5})
    assert (refused.value.code, refused.value.param) == ("invalid_value", "logit_bias")
    with pytest.raises(openai.BadRequestError) as refused:
        bought.chat.completions.create(model="quill", messages=[{"role": "user", "content": "sea " * 700}])
    assert refused.value.code == "context_length_exceeded"
