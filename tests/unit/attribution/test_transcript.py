"""From bytes to texts: what counts as said and as asked, and that nothing else comes of any bytes but one error."""

from __future__ import annotations

import json
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.attribution.standard import PARAMETERS
from ledger.errors import MalformedInputError
from ledger.protocol.attribution import CorpusEntry, Texts, parameters_listing
from ledger.protocol.attribution.prior import parse_prior
from ledger.protocol.attribution.transcript import NO_TEXTS, listed_corpus, texts_of
from ledger.protocol.stripping import strip_stream

pytestmark = pytest.mark.unit

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["messages", "prompt", "content", "choices", "message", "delta", "text", "index", "type"]),
        inner, max_size=4,
    ),
    max_leaves=14,
)  # fmt: skip
OBJECTS = st.dictionaries(st.sampled_from(["messages", "prompt", "choices"]), JSON, max_size=3)


def whole(*answers: str) -> bytes:
    return json.dumps({"choices": [{"index": n, "message": {"content": a}} for n, a in enumerate(answers)]}).encode()


def chat(*contents: object) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": content} for content in contents]}).encode()


@given(OBJECTS, OBJECTS, st.booleans())
def test_any_json_gives_texts_or_none(request_: dict, answer: dict, streamed: bool) -> None:
    produced = json.dumps(answer).encode()
    found = texts_of(json.dumps(request_).encode(), b"data: " + produced + b"\n\n" if streamed else produced)
    assert found == NO_TEXTS or (found.answers and all(found.answers))
    assert all(isinstance(text, str) for text in (*found.answers, *found.prompts))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_other_bytes_are_refused_in_one_way(request_: bytes, produced: bytes) -> None:
    for pair in ((request_, whole("x")), (chat("x"), produced), (chat("x"), b"data: " + produced)):
        try:
            texts_of(*pair)
        except MalformedInputError:
            continue


def test_messages_and_their_parts_are_prompts() -> None:
    asked = chat(
        "one", [{"type": "text", "text": "two"}, {"type": "image_url", "image_url": {}}, {"text": "three"}], None
    )
    assert texts_of(asked, whole("yes", "", "no")) == Texts(("yes", "no"), ("one", "two", "three"))


def test_prompts_of_completions_are_prompts_unless_they_are_token_ids() -> None:
    answer = json.dumps({"choices": [{"index": 0, "text": "yes"}]}).encode()
    assert texts_of(b'{"prompt": "one"}', answer) == Texts(("yes",), ("one",))
    assert texts_of(b'{"prompt": ["one", "two"]}', answer) == Texts(("yes",), ("one", "two"))
    for hidden in (b'{"prompt": [1, 2]}', b'{"prompt": [[1], [2]]}', b'{"prompt": ["one", 2]}', b"{}"):
        assert texts_of(hidden, answer) == NO_TEXTS


def test_the_listing_names_the_datasets_that_it_was_made_of() -> None:
    corpus = (CorpusEntry(3, b"\x03" * 32), CorpusEntry(7, b"\x07" * 32))
    assert listed_corpus(parameters_listing(PARAMETERS, corpus)) == corpus
    for wrong in (b"dataset 3", b"dataset x " + b"00" * 32, b"dataset 3 00", b"\xff", b"dataset 3 " + b"zz" * 32):
        with pytest.raises(MalformedInputError):
            listed_corpus(wrong)


def test_depth_is_refused_whatever_the_recursion_limit() -> None:
    """Some libraries raise the limit so far that Python's own parser would end the process."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        for deep in (b"[" * 2_000_000, b'{"choices":' * 1_000_000, b'{"a":' * 300 + b"1" + b"}" * 300):
            with pytest.raises(MalformedInputError):
                texts_of(b"{}", deep)
            with pytest.raises(MalformedInputError):
                parse_prior(deep)
            with pytest.raises(MalformedInputError):
                strip_stream(b": receipt " + deep + b"\n\n")
    finally:
        sys.setrecursionlimit(before)


def test_a_stream_of_any_number_of_pieces_takes_time_in_proportion() -> None:
    pieces = [json.dumps({"choices": [{"index": 0, "delta": {"content": "word " * 20}}]}) for _ in range(60_000)]
    produced = "".join(f"data: {piece}\n\n" for piece in pieces).encode()
    began = time.process_time()
    (answer,) = texts_of(b'{"messages":[]}', produced).answers
    assert len(answer) == 60_000 * 100
    assert time.process_time() - began < 5
