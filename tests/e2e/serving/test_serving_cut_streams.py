"""Clients that go away: what was produced for them is receipted, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest

from ledger.protocol.stripping import salted_hash
from ledger.protocol.units import fee_up
from serving.inference.streamed import StreamDelivery
from tests.factories.serving_world import INPUT_PRICE, OUTPUT_PRICE, RunningGateway

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "Tell me a long story of the sea"}]
LONG = {"model": "quill:austen", "messages": CHAT, "max_tokens": 400, "ignore_eos": True, "logprobs": True}


@pytest.fixture
def http(gateway: RunningGateway, api_key: str) -> Iterator[httpx.Client]:
    with gateway.client(api_key) as one:
        yield one


def until(look: Callable[[], object], seconds: float = 20.0) -> object:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


def receipt_of(http: httpx.Client, request_id: str) -> dict:
    """The receipt, once it is issued."""

    def look() -> dict | None:
        answer = http.get(f"/v1/receipts/{request_id}")
        return answer.json() if answer.status_code == 200 else None

    return until(look)


def tokens_in(stream: bytes) -> int:
    """Tokens in a stream that was asked for with log-probabilities: each token has one entry of them."""
    return stream.count(b'"top_logprobs":')


@pytest.mark.parametrize("tokens", [1, 7, 40])
def test_a_cut_stream_is_receipted_for_what_was_produced(http: httpx.Client, tokens: int) -> None:
    received = b""
    with http.stream("POST", "/v1/chat/completions", json=LONG | {"stream": True}) as answer:
        request_id = answer.headers["x-request-id"]
        for chunk in answer.iter_raw():
            received += chunk
            if tokens_in(received) >= tokens:
                break
    found = receipt_of(http, request_id)
    receipt = found["receipt"]
    assert (found["outcome"], found["finish_reason"]) == ("client_disconnect", "client_disconnect")
    # What the client has seen is covered; what may lie on the wire beyond is little, and the rest was never made.
    assert tokens <= receipt["outputUnits"] < 400
    assert int(receipt["feeUnits"]) == fee_up(receipt["inputUnits"], receipt["outputUnits"], INPUT_PRICE, OUTPUT_PRICE)


def test_the_receipt_of_a_cut_stream_covers_the_very_bytes_that_were_sent(
    http: httpx.Client, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    write, write_at_once = StreamDelivery._write, StreamDelivery._write_at_once

    async def recorded(self: StreamDelivery, some: bytes) -> None:
        await write(self, some)
        sent.append(some)

    def recorded_at_once(self: StreamDelivery, some: bytes) -> bool:
        written = write_at_once(self, some)
        if written:
            sent.append(some)
        return written

    # Listened to, not replaced: what was sent is more than what reached the client, and only the gateway knows it.
    monkeypatch.setattr(StreamDelivery, "_write", recorded)
    monkeypatch.setattr(StreamDelivery, "_write_at_once", recorded_at_once)
    with http.stream("POST", "/v1/chat/completions", json=LONG | {"stream": True}) as answer:
        request_id = answer.headers["x-request-id"]
        for number, _ in enumerate(answer.iter_raw()):
            if number == 5:
                break
    found = receipt_of(http, request_id)
    salt = bytes.fromhex(found["salt"][2:])
    hashes = {salted_hash(salt, b"".join(sent[:count])).hex() for count in range(len(sent) + 1)}
    assert found["receipt"]["responseHash"][2:] in hashes
    count = next(
        n
        for n in range(len(sent) + 1)
        if salted_hash(salt, b"".join(sent[:n])).hex() == found["receipt"]["responseHash"][2:]
    )
    assert tokens_in(b"".join(sent[:count])) <= found["receipt"]["outputUnits"]


def test_a_client_that_gives_up_on_a_whole_answer_pays_for_what_was_produced(
    http: httpx.Client, module_database_url: str
) -> None:
    with pytest.raises(httpx.ReadTimeout):
        http.post("/v1/chat/completions", json=LONG, timeout=0.05)

    def look() -> tuple | None:
        with psycopg.connect(module_database_url) as connection:
            return connection.execute(
                "SELECT output_units, fee_units, input_units FROM issued_receipts"
                " WHERE outcome = 'client_disconnect' ORDER BY seq DESC LIMIT 1"
            ).fetchone()

    output_units, fee_units, input_units = until(look)
    assert 0 < output_units < 400
    assert fee_units == fee_up(input_units, output_units, INPUT_PRICE, OUTPUT_PRICE)


def test_a_slow_reader_holds_its_own_stream_back(http: httpx.Client, gateway: RunningGateway) -> None:
    """The gateway keeps nothing in memory for it, and others are answered meanwhile."""
    with http.stream("POST", "/v1/chat/completions", json=LONG | {"stream": True}) as slow:
        events = slow.iter_raw()
        next(events)
        other = http.post("/v1/chat/completions", json=LONG | {"max_tokens": 3})
        assert other.status_code == 200
        rest = b"".join(events)
    assert rest.endswith(b"data: [DONE]\n\n")


def test_everything_is_closed_in_the_end(module_database_url: str, gateway: RunningGateway) -> None:
    def look() -> bool:
        with psycopg.connect(module_database_url) as connection:
            return connection.execute("SELECT count(*) FROM intents").fetchone() == (0,)

    until(look)
    with psycopg.connect(module_database_url) as connection:
        gaps = connection.execute("SELECT count(*), max(seq) + 1 FROM issued_receipts").fetchone()
        assert gaps[0] == gaps[1]
        assert connection.execute("SELECT payer FROM spend_accounts WHERE held_units <> 0").fetchall() == []
