"""Request bodies, as far as the gateway itself reads them."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.errors import InvalidRequestError
from serving.inference.call import Call, Endpoint, parse_call
from serving.inference.sampling import ChatBody, CompletionBody, read_body

pytestmark = pytest.mark.unit


def call(endpoint: Endpoint = Endpoint.COMPLETION, **fields: object) -> Call:
    return parse_call(endpoint, json.dumps({"model": "m"} | fields).encode())


def test_unknown_fields_are_kept_for_engines_that_know_them() -> None:
    assert call(tools=[{"x": 1}], odd="thing").fields == {"model": "m", "tools": [{"x": 1}], "odd": "thing"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, False),
        ({"stream": True, "stream_options": {}}, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True),
    ],
)
def test_usage_is_included_when_it_is_asked_for(fields: dict, expected: bool) -> None:
    assert call(**fields).include_usage is expected


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_fail_otherwise_than_by_refusing(body: bytes) -> None:
    try:
        parsed = parse_call(Endpoint.CHAT, body)
    except InvalidRequestError:
        return
    assert isinstance(parsed.model, str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*CompletionBody.model_fields, *ChatBody.model_fields, "odd"])


@given(st.dictionaries(NAMES, JSON, max_size=8), st.booleans())
def test_no_fields_make_the_reader_fail_otherwise_than_by_refusing(fields: dict, chat: bool) -> None:
    kind = ChatBody if chat else CompletionBody
    with contextlib.suppress(InvalidRequestError):
        body = read_body(kind, Call(Endpoint.CHAT, fields, "m", stream=False, include_usage=False))
        assert body.choices >= 1


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [(1, 2)]),
        ([[1, 2], [3]], [(1, 2), (3,)]),
    ],
)
def test_a_prompt_is_text_or_tokens_one_or_several(prompt: object, expected: list) -> None:
    assert read_body(CompletionBody, call(prompt=prompt)).prompts() == expected


@pytest.mark.parametrize("prompt", [[], [[]], ["a", 1], None, 7])
def test_a_prompt_of_another_form_is_refused(prompt: object) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        read_body(CompletionBody, call(prompt=prompt))
    assert refusal.value.param == "prompt"
