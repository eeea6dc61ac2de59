"""Outside bytes of nodes: whatever they are, they are an answer, a refusal or garbage, and never a crash."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from serving.errors import UpstreamRefusedError
from serving.failures import failure_of
from serving.inference.call import Endpoint
from serving.upstream.errors import Fault, NodeFailedError
from serving.upstream.refusals import event_refusal, refusal
from serving.upstream.shapes import Events, choices_of, embeddings_of, members_of, parse, usage_of
from serving.upstream.usage import Tally
from tests.unit.serving.upstream_calls import bounds

pytestmark = pytest.mark.unit

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
NAMES = st.sampled_from(
    ["choices", "index", "delta", "message", "content", "text", "finish_reason", "logprobs", "tokens", "usage", "data",
     "embedding", "error", "code", "detail", "tool_calls", "prompt_tokens"]
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


@given(st.one_of(st.binary(max_size=60), JSON.map(to_json)))
@example(b"{")
@example(b'{"choices":[{"index":0,"delta":{"content":["a"]}}]}')
def test_any_bytes_are_an_answer_or_garbage(content: bytes) -> None:
    faults = set()
    for endpoint in (Endpoint.CHAT, Endpoint.COMPLETION):
        for whole in (False, True):
            try:
                event = parse(content)
                choices = choices_of(event, endpoint, 2, whole=whole)
                usage = usage_of(event)
            except NodeFailedError as failure:
                faults.add(failure.fault)
            else:
                tally = Tally(bounds(choices=2), hidden_tokens=False)
                tally.add(choices)
                assert 0 <= tally.judged(usage)[1] <= 100
    assert faults <= {Fault.GARBAGE}


@given(st.one_of(st.binary(max_size=60), JSON.map(to_json)))
def test_any_bytes_are_embeddings_or_garbage(content: bytes) -> None:
    faults = set()
    try:
        assert embeddings_of(parse(content))["data"]
    except NodeFailedError as failure:
        faults.add(failure.fault)
    assert faults <= {Fault.GARBAGE}


@given(st.integers(100, 599), JSON.map(to_json), st.text(max_size=5))
def test_any_refusal_has_a_meaning(status: int, content: bytes, retry: str) -> None:
    error = refusal(status, {"retry-after": retry}, content)
    assert isinstance(error, NodeFailedError | UpstreamRefusedError)
    assert 400 <= failure_of(error).status < 600
    event = parse(content) if content.startswith(b"{") else {}
    assert isinstance(event_refusal(event), NodeFailedError | UpstreamRefusedError)


def test_vllms_words_become_openais() -> None:
    said = {"message": "This model's maximum context length is 512 tokens.", "type": "BadRequestError", "code": 400}
    failure = failure_of(refusal(400, {}, to_json({"error": said})))
    assert failure.status == 400
    assert failure.error["code"] == "context_length_exceeded"
    assert failure.error["type"] == "invalid_request_error"
    detail = failure_of(refusal(422, {}, b'{"detail":"no such field"}'))
    assert (detail.status, detail.error["message"], detail.error["code"]) == (422, "no such field", None)


def test_a_nodes_view_of_our_key_is_never_the_clients() -> None:
    for status in (401, 403):
        error = refusal(status, {}, b'{"error":{"message":"bad key sk-secret"}}')
        assert failure_of(error).status == 503
        assert "sk-secret" not in str(failure_of(error).content)


EVENTS = st.lists(st.text("ab{}: é\\", min_size=1, max_size=9).map(str.encode), max_size=5)


@given(EVENTS, st.sampled_from([b"\n", b"\r\n"]), st.lists(st.integers(1, 7), min_size=1, max_size=9))
def test_events_are_the_same_however_their_bytes_arrive(datas: list[bytes], end: bytes, cuts: list[int]) -> None:
    stream = b"".join(b": note" + end + b"data: " + data + end + end for data in datas)
    events, found, at, turn = Events(1000), [], 0, 0
    while at < len(stream):
        step = cuts[turn % len(cuts)]
        found += events.feed(stream[at : at + step])
        at, turn = at + step, turn + 1
    assert found == datas


def test_an_answer_that_is_too_long_is_the_requests_fault() -> None:
    events = Events(100)
    with pytest.raises(UpstreamRefusedError):
        list(events.feed(b"data: " + b"x" * 101))


def test_a_receipt_of_another_gateway_is_not_passed_on() -> None:
    body: dict[str, Any] = {"id": "1", "choices": [], "receipt": {"receipt": {}}, "system_fingerprint": "f"}
    assert members_of(body) == {"system_fingerprint": "f"}


def test_a_long_event_in_many_pieces_is_looked_at_once() -> None:
    events, piece = Events(64 * 1024 * 1024), b"x" * 4096
    began = time.process_time()
    assert events.feed(b"data: ") == []
    for _ in range(8_192):  # 32 MiB: looked through from its start each time, this would be 137 GB
        assert events.feed(piece) == []
    (data,) = events.feed(b"\r\n\r\n")
    assert len(data) == 8_192 * 4096
    assert time.process_time() - began < 5


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"data: a", b"data:b", b": c", b"d"]), max_size=14), st.data())
def test_line_ends_mean_the_same_wherever_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    cut = data.draw(st.integers(0, len(stream)))
    at_once, cut_up = Events(1000), Events(1000)
    assert cut_up.feed(stream[:cut]) + cut_up.feed(stream[cut:] + b"\n\n") == at_once.feed(stream + b"\n\n")
