"""Clients that ask again: one Idempotency-Key, one receipt, one answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import openai
import psycopg
import pytest

from tests.e2e.serving.test_serving_cut_streams import until
from tests.factories.serving_world import RunningGateway

pytestmark = pytest.mark.e2e

CHAT = [{"role": "user", "content": "What is a man, if his chief good be but to sleep and feed?"}]
ASK = {"model": "quill", "messages": CHAT, "max_tokens": 12}


@pytest.fixture
def http(gateway: RunningGateway, api_key: str) -> Iterator[httpx.Client]:
    with gateway.client(api_key) as one:
        yield one


@pytest.mark.parametrize("stream", [False, True])
def test_a_retry_gets_the_same_answer_with_the_same_receipt(http: httpx.Client, stream: bool) -> None:
    headers = {"Idempotency-Key": f"again {stream}"}
    first = http.post("/v1/chat/completions", json=ASK | {"stream": stream}, headers=headers)
    second = http.post("/v1/chat/completions", json=ASK | {"stream": stream}, headers=headers)
    assert first.status_code == second.status_code == 200
    assert second.content == first.content
    assert second.headers["x-request-id"] == first.headers["x-request-id"]
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]


def test_without_a_key_each_attempt_is_a_request_of_its_own(http: httpx.Client) -> None:
    first, second = (http.post("/v1/chat/completions", json=ASK).json() for _ in range(2))
    assert first["receipt"]["receipt"]["seq"] != second["receipt"]["receipt"]["seq"]


def test_a_key_belongs_to_one_body(http: httpx.Client) -> None:
    headers = {"Idempotency-Key": "one body"}
    assert http.post("/v1/chat/completions", json=ASK, headers=headers).status_code == 200
    other = http.post("/v1/chat/completions", json=ASK | {"max_tokens": 5}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")


def test_many_attempts_at_once_leave_one_receipt(http: httpx.Client, module_database_url: str) -> None:
    headers = {"Idempotency-Key": "all at once"}
    ready = threading.Barrier(8)

    def attempt(_: int) -> httpx.Response:
        ready.wait()
        return http.post("/v1/chat/completions", json=ASK, headers=headers)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(attempt, range(8)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert refused.json()["error"]["code"] == "request_in_progress"
        assert refused.headers["retry-after"] == "1"
    request_id = next(answer.headers["x-request-id"] for answer in answers if answer.status_code == 200)
    with psycopg.connect(module_database_url) as connection:
        query = "SELECT count(*) FROM issued_receipts WHERE request_id = %s"
        assert connection.execute(query, [request_id]).fetchone() == (1,)


def test_a_client_that_timed_out_finds_its_answer_when_it_asks_again(http: httpx.Client) -> None:
    ask, headers = ASK | {"max_tokens": 400, "ignore_eos": True}, {"Idempotency-Key": "patience"}
    with pytest.raises(httpx.ReadTimeout):
        http.post("/v1/chat/completions", json=ask, headers=headers, timeout=0.05)

    def again() -> httpx.Response | None:
        answer = http.post("/v1/chat/completions", json=ask, headers=headers)
        return answer if answer.status_code == 200 else None

    answer = until(again)
    assert answer.headers["idempotent-replayed"] == "true"
    assert answer.json()["usage"]["completion_tokens"] == answer.json()["receipt"]["receipt"]["outputUnits"]


def test_the_clients_own_retries_carry_the_key(gateway: RunningGateway, api_key: str) -> None:
    """openai's client tries again on 409 by itself; with the key in a header it gets the one answer."""
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=api_key, max_retries=5) as client,
        ThreadPoolExecutor(3) as threads,
    ):

        def attempt(_: int) -> openai.types.chat.ChatCompletion:
            return client.chat.completions.create(**ASK, extra_headers={"Idempotency-Key": "client's own"})

        answers = list(threads.map(attempt, range(3)))
    assert len({answer.model_extra["receipt"]["digest"] for answer in answers}) == 1


def test_an_answer_that_is_not_kept_any_more_is_said_to_be_gone(http: httpx.Client, module_database_url: str) -> None:
    headers = {"Idempotency-Key": "forgotten"}
    first = http.post("/v1/chat/completions", json=ASK, headers=headers)
    with psycopg.connect(module_database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE stored_answers SET expires_at = now() WHERE request_id = %s", [first.headers["x-request-id"]]
        )
    again = http.post("/v1/chat/completions", json=ASK, headers=headers)
    assert (again.status_code, again.json()["error"]["code"]) == (410, "answer_not_stored")
    assert first.headers["x-request-id"] in again.json()["error"]["message"]


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_of_no_or_too_many_characters_is_refused(http: httpx.Client, key: str) -> None:
    answer = http.post("/v1/chat/completions", json=ASK, headers={"Idempotency-Key": key})
    assert answer.status_code == 400
