"""OpenAI's API as its own client knows it, before both engines: the embedded one, and another server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.factories.serving_world import RunningGateway

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "It is a truth universally acknowledged, that a single man"}]


@pytest.fixture(scope="module", params=["embedded", "upstream"])
def served(request: pytest.FixtureRequest, gateway: RunningGateway) -> RunningGateway:
    """A gateway with the engine in it, or one before that."""
    return gateway if request.param == "embedded" else request.getfixturevalue("outer")


@pytest.fixture
def any_client(served: RunningGateway, api_key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=api_key, max_retries=0) as one:
        yield one


def test_models_have_their_digests_parents_and_prices(any_client: openai.OpenAI, served: RunningGateway) -> None:
    listed = {model.id: model for model in any_client.models.list()}
    for name in ("quill", "quill:austen"):
        found = any_client.models.retrieve(name)
        assert found == listed[name]
        extra = found.model_extra
        assert extra["identity"] == ("declared" if served.gateway.settings.upstreams else "verified")
        assert len(extra["content_hash"]) == 66
        assert {"input_units_per_1000", "output_units_per_1000"} <= extra["price"].keys()
        assert bool(extra["parents"]) is (name == "quill:austen")
        assert extra["context_tokens"] == 512


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_either_limit_ends_an_answer(any_client: openai.OpenAI, limit: str) -> None:
    answer = any_client.chat.completions.create(
        model="quill", messages=CHAT, temperature=0, extra_body={"ignore_eos": True}, **{limit: 3}
    )
    assert (answer.usage.completion_tokens, answer.choices[0].finish_reason) == (3, "length")


def test_stops_end_a_stream_before_them(any_client: openai.OpenAI) -> None:
    asked = {"model": "quill", "prompt": "The", "max_tokens": 30, "temperature": 0}
    whole = any_client.completions.create(**asked).choices[0].text
    stop = whole[len(whole) // 3 :][:2]
    chunks = list(any_client.completions.create(**asked, stop=["never to be seen", stop], stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == whole[: whole.index(stop)]
    assert [c.choices[0].finish_reason for c in chunks][-1] == "stop"


def test_a_seed_and_several_choices_come_again(any_client: openai.OpenAI) -> None:
    asked = {"model": "quill:bierce", "messages": CHAT, "max_tokens": 6, "n": 2, "seed": 11, "temperature": 0.8}
    first, second = (any_client.chat.completions.create(**asked, logprobs=True, top_logprobs=1) for _ in range(2))
    assert [c.message.content for c in first.choices] == [c.message.content for c in second.choices]
    assert all(len(choice.logprobs.content) <= 6 for choice in first.choices)


def test_the_streaming_helper_and_the_asynchronous_client_work(
    any_client: openai.OpenAI, served: RunningGateway, api_key: str
) -> None:
    with any_client.chat.completions.stream(model="quill", messages=CHAT, max_tokens=5) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        snapshot = stream.current_completion_snapshot.choices[0]
    assert "".join(pieces) == snapshot.message.content != ""

    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=f"{served.url}/v1", api_key=api_key, max_retries=0) as client:
            chunks = await client.chat.completions.create(model="quill", messages=CHAT, max_tokens=5, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    assert asyncio.run(ask())


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({"model": "nobody"}, openai.NotFoundError, "model_not_found"),
        ({"n": 0}, openai.BadRequestError, "invalid_value"),
        ({"messages": [{"role": "user", "content": "sea " * 700}]}, openai.BadRequestError, "context_length_exceeded"),
        ({"max_tokens": -1}, openai.BadRequestError, "invalid_value"),
        ({"temperature": 9}, openai.BadRequestError, "invalid_value"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_openais_words(
    any_client: openai.OpenAI, changes: dict, kind: type[openai.APIStatusError], code: str
) -> None:
    for stream in (False, True):
        with pytest.raises(kind) as refused:
            any_client.chat.completions.create(**{"model": "quill", "messages": CHAT, "stream": stream} | changes)
        assert refused.value.code == code
        assert refused.value.type == "invalid_request_error"
        assert refused.value.request_id.startswith("req_")


def test_a_wrong_key_is_told_apart_from_a_wrong_path(served: RunningGateway) -> None:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="sk-trib-nobody", max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as refused:
            stranger.chat.completions.create(model="quill", messages=CHAT)
        assert refused.value.code == "invalid_api_key"
        with pytest.raises(openai.NotFoundError):
            stranger.images.generate(prompt="a cat")


def test_what_an_operator_reads_is_there(served: RunningGateway, any_client: openai.OpenAI) -> None:
    any_client.chat.completions.create(model="quill", messages=CHAT, max_tokens=2)
    with served.client() as http:
        assert http.get("/health").json() == {"status": "ok"}
        assert http.get("/ready").json() == {"status": "ready", "reasons": []}
        families = {family.name: family for family in text_string_to_metric_families(http.get("/metrics").text)}
    answered = sum(s.value for s in families["serving_receipts"].samples if s.labels.get("outcome") == "complete")
    assert answered >= 1
    assert any(s.labels.get("status") == "200" for s in families["serving_requests"].samples)
    upstream = families["serving_upstream_up"].samples
    assert [sample.value for sample in upstream] == ([1.0] if served.gateway.settings.upstreams else [])
