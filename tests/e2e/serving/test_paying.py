"""A payer's own side in front of a real gateway: unmodified clients, caps a few requests ahead, receipts checked."""

from __future__ import annotations

import asyncio
import re

import httpx
import openai
import pytest

from audit.attribution.transcripts import load_transcripts
from ledger.errors import SettingsError, UpstreamUnavailableError
from ledger.protocol.envelope import parse_envelope
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.units import fee_up
from payer.assembly import open_purse
from payer.book import Exchange
from payer.checking import Answered
from payer.purse import Purse
from payer.transport import AsyncPayingTransport
from tests.e2e.middleman import Change, between, middleman
from tests.e2e.serving.paying import ASK, DEPOSIT, Payer, account_of, client
from tests.factories.serving_world import INPUT_PRICE, OUTPUT_PRICE

pytestmark = pytest.mark.e2e


def test_the_official_client_pays_as_it_goes(payer: Payer) -> None:
    with payer.purse() as purse, client(purse) as asked:
        whole = asked.chat.completions.create(**ASK)
        streamed = list(asked.chat.completions.create(**ASK, stream=True))
        assert whole.choices[0].message.content
        assert streamed[-1].choices[0].finish_reason
        stands = account_of(purse)
        assert whole.model_extra["receipt"]["receipt"]["feeUnits"] == str(payer.receipts()[0])
        assert (stands.spent_units, stands.open_units) == (sum(payer.receipts()), 0)
        assert len(payer.receipts()) == 2
        # The cap reaches a few requests ahead and not further: what can be lost is bounded by it.
        most = fee_up(200, 6, INPUT_PRICE, OUTPUT_PRICE)
        assert stands.spent_units < stands.cap_units <= stands.spent_units + 4 * most
    # What it keeps is what the audit reads.
    transcripts = load_transcripts(payer.folder / "transcripts")
    assert [one.kept.receipt.fee_units for one in transcripts] == payer.receipts()


def test_an_asynchronous_client_pays_too(payer: Payer) -> None:
    async def ask(purse: Purse) -> list[str]:
        transport = httpx.AsyncClient(transport=AsyncPayingTransport(purse))
        async with openai.AsyncOpenAI(
            base_url=f"{purse.gateway.url}/v1", api_key="-", max_retries=0, http_client=transport
        ) as asked:
            answers = await asyncio.gather(*(asked.chat.completions.create(**ASK) for _ in range(5)))
            stream = await asked.chat.completions.create(**ASK, stream=True)
            return [answer.id for answer in answers] + [chunk.id async for chunk in stream][:1]

    with payer.purse() as purse:
        assert len(set(asyncio.run(ask(purse)))) == 6
        assert (account_of(purse).spent_units, account_of(purse).open_units) == (sum(payer.receipts()), 0)
    assert len(payer.receipts()) == 6


def test_over_a_restart_the_book_goes_on_and_no_cap_falls(payer: Payer) -> None:
    caps = []
    for _ in range(3):
        with payer.purse(ahead_requests=1) as purse, client(purse) as asked:
            for _ in range(3):
                asked.chat.completions.create(**ASK)
            caps.append(account_of(purse).cap_units)
    assert caps == sorted(caps)
    assert caps[0] < caps[-1]
    assert len(payer.receipts()) == 9


def test_a_cap_that_was_signed_and_never_arrived_is_handed_in_again(payer: Payer) -> None:
    """As after a power cut between the book and the gateway."""
    with (
        middleman(payer.gateway, lambda _path, _body, answer: answer) as way,
        payer.purse(gateway=way.url) as purse,
        client(purse) as asked,
    ):
        asked.chat.completions.create(**ASK)
        way.upstream = "http://127.0.0.1:1"
        while account_of(purse).cap_units < 10 * payer.receipts()[0]:
            with pytest.raises(UpstreamUnavailableError):
                purse._sign_ahead(account_of(purse).cap_units)
        way.upstream = payer.gateway
        answers = [asked.chat.completions.create(**ASK) for _ in range(8)]
    assert len(answers) == 8


def test_a_key_that_the_gateway_revoked_is_bought_anew_for_no_money(payer: Payer) -> None:
    with payer.purse() as purse, client(purse) as asked:
        asked.chat.completions.create(**ASK)
        cap, operator = account_of(purse).cap_units, purse.desk().operator
        key = purse.book.api_key(purse.gateway.url, purse.payer, operator)
        headers = {"Authorization": f"Bearer {key}"}
        assert httpx.delete(f"{payer.gateway}/v1/keys/self", headers=headers, trust_env=False).status_code == 200
        assert asked.chat.completions.create(**ASK).choices
        assert purse.book.api_key(purse.gateway.url, purse.payer, operator) != key
        assert (account_of(purse).cap_units, account_of(purse).open_units) == (cap, 0)


def test_a_budget_that_is_used_up_is_said_and_never_passed(payer: Payer) -> None:
    budget = 400
    with payer.purse(budget_units=budget) as purse, client(purse) as asked:

        def ask_often() -> None:
            for _ in range(20):
                asked.chat.completions.create(**ASK)

        with pytest.raises(openai.APIStatusError) as refused:
            ask_often()
        assert refused.value.status_code == 402
        assert refused.value.code in ("budget_exhausted", "cap_exhausted")
        assert account_of(purse).cap_units == budget
    assert len(payer.receipts()) >= 1
    assert sum(payer.receipts()) <= budget


def test_a_cap_signed_elsewhere_has_to_be_named(payer: Payer) -> None:
    body = payer.world.authorization(payer.key, 50_000)
    assert httpx.post(f"{payer.gateway}/v1/keys", json=body, trust_env=False).status_code == 201
    with payer.purse() as purse, client(purse) as asked, pytest.raises(openai.APIStatusError, match="--signed-before"):
        asked.chat.completions.create(**ASK)
    with payer.purse(folder=payer.folder / "again", signed_before_units=50_000) as purse, client(purse) as asked:
        assert asked.chat.completions.create(**ASK).choices
        assert account_of(purse).cap_units > 50_000


def test_a_folder_is_of_one_payer(payer: Payer) -> None:
    with payer.purse() as purse, client(purse) as asked:
        asked.chat.completions.create(**ASK)
    other = payer.world.deposit("another payer of one folder", DEPOSIT)
    with payer.purse(key=to_hex(other.secret)) as purse, pytest.raises(SettingsError, match="PAY_FOLDER"):
        purse.desk()


LIES = {
    "responseHash is not of the bytes that came": (rb'"object":"chat.completion"', rb'"object":"chat.completioN"'),
    "its signer is no key of the operator's lane": (rb'"durationMs":', rb'"durationMs":1'),
    "can't be read": (rb'"seq":', rb'"seq":-'),
}


def lying(pattern: bytes, replacement: bytes) -> Change:
    def change(path: str, body: bytes, answer: bytes) -> bytes:
        return re.sub(pattern, replacement, answer, count=1) if path.startswith("/v1/chat") else answer

    return change


@pytest.mark.parametrize("fault", LIES)
def test_a_receipt_that_does_not_hold_stops_everything_in_one_sentence(payer: Payer, fault: str) -> None:
    said: list[str] = []
    with (
        between(payer.gateway, lying(*LIES[fault])) as url,
        open_purse(payer.settings(gateway=url), said.append) as purse,
    ):
        with client(purse) as asked:
            asked.chat.completions.create(**ASK)  # the answer itself is not kept from its client
            cap = account_of(purse).cap_units
            with pytest.raises(openai.APIStatusError) as refused:
                asked.chat.completions.create(**ASK)
        assert (refused.value.status_code, refused.value.code) == (402, "payer_stopped")
        assert len(said) == 1
        assert fault in said[0]
        assert said[0] in str(refused.value)
        assert account_of(purse).cap_units == cap
    assert list((payer.folder / "wrong").glob("*.json"))
    with payer.purse() as purse, client(purse) as asked:  # over a restart too, until its owner goes on
        with pytest.raises(openai.APIStatusError):
            asked.chat.completions.create(**ASK)
        purse.book.resume()
        assert asked.chat.completions.create(**ASK).choices


def test_the_same_place_for_two_answers_is_caught(payer: Payer) -> None:
    with payer.purse() as purse, client(purse) as asked:
        first = asked.chat.completions.create(**ASK)
        place = first.model_extra["receipt"]["receipt"]
        row = (purse.desk().operator, place["lane"], str(place["seq"]))
        purse.book._run(
            "UPDATE receipts SET digest = ? WHERE operator = ? AND lane = ? AND seq = ?", (b"\x01" * 32, *row)
        )
        exchange = Exchange("req_other", purse.gateway.url, row[0], place["assetId"], 1, None, b"", purse.chain.now())
        document = {name: first.model_extra["receipt"][name] for name in ("receipt", "salt", "signature", "set")}
        assert not purse.settling._take_in(exchange, parse_envelope(document), Answered(None, failed=False), b"", None)
        assert "given to another answer before" in purse.book.stopped(purse.payer, row[0])
