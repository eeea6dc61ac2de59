"""What a node says of tokens is taken within what was sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.upstream.usage import Tally, details_of
from tests.unit.serving.upstream_calls import bounds

pytestmark = pytest.mark.unit

PIECES = st.lists(st.text(max_size=9), max_size=12)
ANYTHING = st.one_of(st.none(), st.integers(), st.booleans(), st.floats(), st.text(max_size=3), st.lists(st.none()))


def tally_of(pieces: list[str], **changes: Any) -> Tally:
    tally = Tally(bounds(**changes), hidden_tokens=False)
    for piece in pieces:
        tally.add([{"index": 0, "delta": {"content": piece}, "finish_reason": None}])
    return tally


@given(PIECES, ANYTHING, ANYTHING)
def test_no_count_is_charged_beyond_what_was_sent_or_held(pieces: list[str], said: Any, prompt: Any) -> None:
    tally = tally_of(pieces, most_output=10)
    input_units, output_units = tally.judged({"completion_tokens": said, "prompt_tokens": prompt})
    sent = sum(len(piece.encode("utf-8", "surrogatepass")) for piece in pieces)
    assert 0 <= output_units <= min(10, sent + 1)
    assert input_units is None or (type(input_units) is int and input_units > 0)


@given(PIECES)
def test_an_answer_with_text_is_never_free_for_want_of_a_count(pieces: list[str]) -> None:
    for usage in (None, {}, {"completion_tokens": 0}, {"completion_tokens": -4}, {"completion_tokens": True}):
        charged = tally_of(pieces).judged(usage)[1]
        words = len("".join(pieces).split())
        assert charged == max(words, sum(bool(piece) for piece in pieces))


def test_a_fair_count_is_taken_as_it_is() -> None:
    assert tally_of([" the", " sea", ""]).judged({"completion_tokens": 3, "prompt_tokens": 7}) == (7, 3)


def test_tokens_of_tools_reasoning_and_logprobs_count_as_sent() -> None:
    tally = Tally(bounds(), hidden_tokens=False)
    function = {"name": "weather", "arguments": '{"city": "Paris"}'}
    tally.add([{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": function}]}}])
    tally.add([{"index": 0, "delta": {"reasoning_content": "Let me see"}}])
    assert tally.judged({"completion_tokens": 20})[1] == 20
    scored = Tally(bounds(), hidden_tokens=False)
    scored.add([{"index": 0, "text": "ab", "logprobs": {"tokens": ["a", "b", "c"]}}])
    assert scored.judged(None)[1] == 3


def test_tokens_that_stay_inside_are_charged_only_where_the_operator_says_so() -> None:
    said = {"completion_tokens": 90, "completion_tokens_details": {"reasoning_tokens": 85}}
    hidden = Tally(bounds(), hidden_tokens=True)
    for tally, charged in ((tally_of(["yes"]), 4), (hidden, 90)):
        assert tally.judged(said)[1] == charged
    assert details_of(said) == {"completion_tokens_details": {"reasoning_tokens": 85}}


def test_words_of_an_echoed_prompt_are_no_tokens_of_the_answer() -> None:
    tally = Tally(bounds(), hidden_tokens=False, echoed=True)
    tally.add([{"index": 0, "text": "a prompt of many words and one more"}])
    assert tally.judged(None)[1] == 1
