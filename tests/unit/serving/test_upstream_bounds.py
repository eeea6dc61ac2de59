"""What a call may come to, before it is asked."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json

from ledger.errors import ContextLengthError
from serving.errors import InvalidRequestError
from serving.inference.call import Endpoint
from serving.upstream.bounds import bounds_of, forwarded
from tests.unit.serving.upstream_calls import call, model

pytestmark = pytest.mark.unit


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_a_prompts_tokens_lie_between_its_words_and_its_bytes(texts: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    found = bounds_of(call(messages=messages), model(context_tokens=10_000))
    assert found.least_input == sum(len(text.split()) for text in texts)
    assert sum(len(text.encode()) for text in texts) < found.most_input <= 10_000
    assert found.most_output == 10_000


def test_an_image_may_take_the_whole_context() -> None:
    parts = [{"type": "text", "text": "what is this"}, {"type": "image_url", "image_url": {"url": "http://x"}}]
    found = bounds_of(call(messages=[{"role": "user", "content": parts}]), model())
    assert (found.least_input, found.most_input) == (3, 512)


@pytest.mark.parametrize(
    ("endpoint", "fields", "most_output", "choices"),
    [
        (Endpoint.CHAT, {}, 512, 1),
        (Endpoint.CHAT, {"max_tokens": 7}, 7, 1),
        (Endpoint.CHAT, {"max_completion_tokens": 9, "max_tokens": 7, "n": 3}, 27, 3),
        (Endpoint.CHAT, {"max_tokens": 9_999}, 512, 1),
        (Endpoint.COMPLETION, {}, 16, 1),
        (Endpoint.COMPLETION, {"prompt": ["a", "b"], "n": 2, "best_of": 3, "max_tokens": 5}, 30, 4),
        (Endpoint.COMPLETION, {"prompt": [5, 6, 7]}, 16, 1),
        (Endpoint.EMBEDDING, {"input": ["a b", "c"]}, 0, 2),
    ],
)
def test_an_answer_is_bounded(endpoint: Endpoint, fields: dict, most_output: int, choices: int) -> None:
    found = bounds_of(call(endpoint, **fields), model())
    assert (found.most_output, found.choices) == (most_output, choices)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 0},
        {"n": "2"},
        {"n": True},
        {"max_tokens": -1},
        {"max_tokens": 1.5},
        {"messages": []},
        {"messages": 5},
        {"n": 999},
    ],
)
def test_what_bounds_an_answer_must_be_a_number(fields: dict) -> None:
    with pytest.raises(InvalidRequestError):
        bounds_of(call(**fields), model())


def test_a_prompt_that_can_not_fit_is_refused_before_it_is_asked() -> None:
    with pytest.raises(ContextLengthError):
        bounds_of(call(messages=[{"role": "user", "content": "sea " * 600}]), model())


@pytest.mark.parametrize(
    ("endpoint", "fields"),
    [
        (Endpoint.COMPLETION, {"prompt": [1] * 600_000}),
        (Endpoint.CHAT, {"messages": [{"content": "a"}] * 100_000}),
        (Endpoint.CHAT, {"messages": [{"content": [{"type": "text", "text": ""}] * 100_000}]}),
    ],
)
def test_a_very_long_list_is_refused_before_it_is_looked_through(endpoint: Endpoint, fields: dict) -> None:
    asked = call(endpoint, **fields)
    began = time.process_time()
    with pytest.raises(ContextLengthError):
        bounds_of(asked, model())
    assert time.process_time() - began < 0.02


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)
OWN = {"model", "stream", "stream_options", "messages", "n", "best_of", "max_tokens", "max_completion_tokens"}


@given(
    st.dictionaries(st.text(min_size=1, max_size=9).filter(lambda name: name not in OWN), JSON, max_size=5),
    st.booleans(),
)
def test_everything_else_goes_on_as_it_came(fields: dict[str, Any], streamed: bool) -> None:
    asked = call(**fields, stream=streamed)
    sent = from_json(forwarded(asked, model(), continuous=True))
    assert {name: sent[name] for name in fields} == fields
    assert sent["model"] == "quill-on-the-node"
    options = {"include_usage": True, "continuous_usage_stats": True}
    assert sent.get("stream_options") == (options if streamed else None)


def test_an_operators_most_is_sent_along() -> None:
    bounded = model(max_output_tokens=20)
    for given_most, sent_most in (({}, 20), ({"max_tokens": 50}, 20), ({"max_tokens": 5}, 5)):
        asked = call(**given_most)
        assert from_json(forwarded(asked, bounded, continuous=False))["max_tokens"] == sent_most
        assert bounds_of(asked, bounded).most_output == sent_most


@pytest.mark.parametrize("operators_most", [None, 400, 7])
@pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.COMPLETION])
@pytest.mark.parametrize("given_most", [{}, {"max_tokens": 50}, {"max_tokens": 5}, {"max_completion_tokens": 30}])
def test_a_node_is_asked_for_no_more_than_may_be_charged(
    operators_most: int | None, endpoint: Endpoint, given_most: dict[str, int]
) -> None:
    """Else whoever names no limit gets a long answer for the price of a short one."""
    asked, served = call(endpoint, **given_most), model(max_output_tokens=operators_most)
    sent = from_json(forwarded(asked, served, continuous=False))
    understood = ("max_tokens", "max_completion_tokens") if endpoint is Endpoint.CHAT else ("max_tokens",)
    most = max((sent[name] for name in understood if name in sent), default=served.context_tokens)
    assert most == bounds_of(asked, served).most_output


@pytest.mark.parametrize("strange", ["abc", [1], {"a": 1}, 1.5, -3])
def test_a_limit_that_an_endpoint_does_not_know_goes_on_as_it_came(strange: Any) -> None:
    asked, bounded = call(Endpoint.COMPLETION, max_completion_tokens=strange), model(max_output_tokens=20)
    bounds_of(asked, bounded)
    sent = from_json(forwarded(asked, bounded, continuous=False))
    assert (sent["max_tokens"], sent["max_completion_tokens"]) == (16, strange)


def test_embeddings_have_no_limit() -> None:
    asked = call(Endpoint.EMBEDDING, max_tokens=3)
    assert from_json(forwarded(asked, model(max_output_tokens=20), continuous=False))["max_tokens"] == 3
