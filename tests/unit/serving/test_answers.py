"""Bytes of answers: what is hashed, what is inserted, what a client strips."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.protocol.keccak import keccak256
from ledger.protocol.stripping import comment, mark_json, strip_json, strip_stream
from serving.engine.request import TokenLogprob
from serving.inference.call import Endpoint
from serving.inference.choices import WholeChoices, chat_choice, completion_choice
from serving.inference.frames import Frames, usage
from serving.inference.meter import Meter

pytestmark = pytest.mark.unit

ENVELOPE = b'{"receipt":{"operator":"0x00"},"salt":"0x01"}'
TEXTS = st.lists(st.text(max_size=12), max_size=6)


@given(TEXTS, st.sampled_from([Endpoint.CHAT, Endpoint.COMPLETION]))
def test_a_whole_answer_is_the_sum_of_its_pieces_and_strips_clean(texts: list[str], endpoint: Endpoint) -> None:
    render = chat_choice if endpoint is Endpoint.CHAT else completion_choice
    whole = WholeChoices(endpoint)
    for text in texts:
        whole.add([render(0, text, None, None)])
    whole.add([render(0, "", None, "stop")])
    assert "".join(whole.texts()) == "".join(texts)
    assert whole.finish_reasons() == "stop"
    body = Frames(endpoint, "ab", "m").body(whole.choices(), usage(3, len(texts)))
    assert strip_json(mark_json(body, ENVELOPE)) == (body, json.loads(ENVELOPE))
    assert json.loads(body)["usage"]["total_tokens"] == 3 + len(texts)


@given(TEXTS, st.booleans())
def test_a_stream_strips_to_the_bytes_that_were_hashed(texts: list[str], include_usage: bool) -> None:
    frames = Frames(Endpoint.CHAT, "ab", "m", include_usage)
    produced = frames.opening(0) + b"".join(frames.chunk([chat_choice(0, text, None, None)]) for text in texts)
    event, done = frames.ending(usage(1, 2))
    sent = produced + (mark_json(event[:-2], ENVELOPE) + b"\n\n" if event else b"") + comment(ENVELOPE) + done
    assert strip_stream(sent) == (produced + event + done, json.loads(ENVELOPE))


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_the_running_hash_is_the_hash_of_all_bytes(parts: list[bytes]) -> None:
    meter = Meter(b"s" * 32, keep=True)
    for number, part in enumerate(parts):
        meter.add(part, number)
        assert meter.response_hash == keccak256(b"s" * 32, *parts[: number + 1])
    assert meter.kept == b"".join(parts)
    assert Meter(b"s" * 32, keep=False).kept is None


def scored(token: str) -> TokenLogprob:
    other = TokenLogprob("~", b"~", -2.0)
    return TokenLogprob(token, token.encode(), -1.0, (other,))


def test_log_probabilities_join_in_the_order_of_the_text() -> None:
    whole = WholeChoices(Endpoint.COMPLETION)
    whole.add([completion_choice(0, "ab", [scored("a"), scored("b")], None, 0)])
    whole.add([completion_choice(0, "cd", [scored("cd")], "length", 2)])
    assert whole.choices()[0]["logprobs"] == {
        "tokens": ["a", "b", "cd"],
        "token_logprobs": [-1.0, -1.0, -1.0],
        "top_logprobs": [{"~": -2.0}] * 3,
        "text_offset": [0, 1, 2],
    }
    chat = WholeChoices(Endpoint.CHAT)
    chat.add([chat_choice(0, "a", [scored("a")], None)])
    chat.add([chat_choice(0, "b", [scored("b")], "stop")])
    assert [token["token"] for token in chat.choices()[0]["logprobs"]["content"]] == ["a", "b"]
    assert chat.choices()[0]["message"]["content"] == "ab"


@given(st.text(max_size=9), st.booleans(), st.one_of(st.none(), st.dictionaries(st.text(max_size=4), st.integers())))
def test_a_chunk_is_its_frame_its_choices_and_what_stands_beside(
    text: str, include_usage: bool, beside: dict[str, int] | None
) -> None:
    frames = Frames(Endpoint.CHAT, "ab", 'a "model"', include_usage, created=7)
    choices = [chat_choice(0, text, None, None)]
    members = None if beside is None else {f"x-{name}": value for name, value in beside.items()}
    chunk = frames.chunk(choices, members)
    assert chunk.startswith(b"data: {")
    assert chunk.endswith(b"}\n\n")
    assert json.loads(chunk[6:]) == {
        "id": "chatcmpl-ab",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": 'a "model"',
        "choices": choices,
        **({"usage": None} if include_usage else {}),
        **(members or {}),
    }


def test_a_nodes_own_usage_takes_the_place_of_none() -> None:
    frames = Frames(Endpoint.CHAT, "ab", "m", include_usage=True)
    chunk = frames.chunk([], {"usage": {"total_tokens": 3}})
    assert chunk.count(b'"usage"') == 1
    assert json.loads(chunk[6:])["usage"] == {"total_tokens": 3}
