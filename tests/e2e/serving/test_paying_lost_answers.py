"""What becomes of a payer's money when an answer does not come, comes late or is asked for twice."""

from __future__ import annotations

import httpx
import openai
import pytest

from payer.purse import Purse
from payer.settling import Came
from payer.transport import PayingTransport
from tests.e2e.middleman import between
from tests.e2e.serving.paying import ASK, Payer, account_of, client
from tests.e2e.serving.test_serving_cut_streams import until

pytestmark = pytest.mark.e2e


def test_what_a_client_cut_off_is_receipted_and_fetched_later(payer: Payer) -> None:
    long = ASK | {"max_tokens": 400, "extra_body": {"ignore_eos": True}}
    with payer.purse() as purse, client(purse) as asked:
        with asked.chat.completions.create(**long, stream=True) as stream:
            for _, _ in zip(range(5), stream, strict=False):
                pass
        assert account_of(purse).open_units > 0
        until(lambda: _collected(purse) == 0)
        assert (account_of(purse).spent_units, account_of(purse).open_units) == (payer.receipts()[0], 0)
    assert payer.receipts()[0] > 0


def _collected(purse: Purse) -> int:
    purse.settling._asked_at = float("-inf")
    return purse.collect()


def test_what_never_reached_the_gateway_costs_nothing(payer: Payer) -> None:
    with payer.purse() as purse:
        operator = purse.desk().operator
        purse.prepare(b'{"model":"quill","messages":[],"max_tokens":5}')  # and then the machine went dark
        assert account_of(purse).open_units > 0
        assert _collected(purse) == 0
        assert account_of(purse).open_units == 0
        assert purse.book.open_exchanges(purse.gateway.url, operator, 2**40) == []


def test_a_request_whose_answer_is_awaited_is_not_missing(payer: Payer) -> None:
    """However long the answer takes; the gateway has no receipt of it, nor knows of it before it has arrived."""
    with payer.purse() as purse:
        awaited = purse.prepare(b'{"model":"quill","messages":[],"max_tokens":5}')
        assert _collected(purse) == 0
        assert account_of(purse).open_units == awaited.exchange.most_units
        del awaited
        assert _collected(purse) == 0
        assert account_of(purse).open_units == 0


def test_what_is_refused_to_a_retry_may_be_answered_to_the_first_attempt(payer: Payer) -> None:
    refused = Came(429, b'{"error":{"code":"rate_limit_exceeded"}}', streamed=False, whole=True)
    with payer.purse() as purse:
        body = b'{"model":"quill","messages":[],"max_tokens":5}'
        first, retry = purse.prepare(body, "one"), purse.prepare(body, "one")
        purse.settle(retry, refused)
        purse.unsent(retry)
        assert account_of(purse).open_units == first.exchange.most_units
        purse.settle(first, refused)
        assert account_of(purse).open_units == 0


def test_a_client_that_tries_again_gets_the_first_answer(payer: Payer) -> None:
    """openai's own retry after a lost connection: one request, one receipt."""
    lost = [True]

    def lose_the_first(path: str, body: bytes, answer: bytes) -> bytes | None:
        if path.startswith("/v1/chat") and lost:
            lost.pop()
            return None
        return answer

    with between(payer.gateway, lose_the_first) as url, payer.purse(gateway=url) as purse:
        with openai.OpenAI(
            base_url=f"{url}/v1", api_key="-", max_retries=2, http_client=httpx.Client(transport=PayingTransport(purse))
        ) as asked:
            assert asked.chat.completions.create(**ASK).choices
        assert account_of(purse).open_units == 0
    assert len(payer.receipts()) == 1


class OutOfPatience(httpx.HTTPTransport):
    """Whose first request is answered after the client gave up; until then its retries are told what is the case."""

    def __init__(self, *told: httpx.Response) -> None:
        super().__init__()
        self.told, self.keys = list(told), list[str]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers["idempotency-key"])
        if len(self.keys) == 1:
            super().handle_request(request).read()
            raise httpx.ReadTimeout("the client gave up")
        return self.told.pop(0) if self.told else super().handle_request(request)


def test_a_retry_that_comes_while_the_first_attempt_is_answered_buys_no_second_answer(payer: Payer) -> None:
    in_progress = httpx.Response(409, stream=httpx.ByteStream(b'{"error":{"code":"request_in_progress"}}'))
    bad_gateway = httpx.Response(502, stream=httpx.ByteStream(b"<html>of a server in between</html>"))
    with payer.purse() as purse:
        wire = OutOfPatience(in_progress, bad_gateway)
        with openai.OpenAI(
            base_url=f"{purse.gateway.url}/v1",
            api_key="-",
            max_retries=3,
            http_client=httpx.Client(transport=PayingTransport(purse, wire)),
        ) as asked:
            assert asked.chat.completions.create(**ASK).choices
            assert len(wire.keys) == 4
            assert len(set(wire.keys)) == 1
            asked.chat.completions.create(**ASK)
            assert len(set(wire.keys)) == 2
        assert account_of(purse).open_units == 0
    assert len(payer.receipts()) == 2
