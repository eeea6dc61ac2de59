"""A receipt is held against the bytes and the price; whatever is changed in it is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from ledger.chain.structs import Price
from ledger.errors import MalformedInputError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.domain import Domain
from ledger.protocol.envelope import Envelope, parse_envelope, read_answer
from ledger.protocol.receipt import Receipt
from ledger.protocol.stripping import DONE, comment, mark_json, receipt_member, salted_hash
from payer.bounding import Ask, Model, ceiling_units, most_units, read_ask
from payer.checking import Answered, Known, Parties, Sent, signer_of, timeless_faults, timely_faults, usage_in

pytestmark = pytest.mark.unit

OPERATOR, PAYER, SALT = b"\x01" * 20, b"\x02" * 20, b"\x03" * 32
REQUEST = b'{"model":"m"}'
PRODUCED = b'{"usage":{"prompt_tokens":2,"completion_tokens":5,"total_tokens":7}}'
ENTRIES = (SetEntry(4, 1_000_000),)
PRICE = Price(1_000, 2_000, 0)
PARTIES = Parties(OPERATOR, PAYER)
SENT = Sent(REQUEST, 3, 5, 10_000, 10_010)
ANSWERED = Answered(PRODUCED, failed=False)
RECEIPT = Receipt(
    OPERATOR, 0, 8, PAYER, 3, salted_hash(SALT, REQUEST), salted_hash(SALT, PRODUCED), 2, 5, 12,
    attribution_hash(ENTRIES), 10_005, 100,
)  # fmt: skip


def envelope(**changes: Any) -> Envelope:
    return Envelope({}, replace(RECEIPT, **changes), bytes(65), SALT, ENTRIES)


def test_a_good_receipt_has_no_faults() -> None:
    assert timeless_faults(envelope(), PARTIES, SENT, ANSWERED, PRICE) == []
    assert timely_faults(envelope(), SENT, Known(8)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"operator": PAYER}, "another operator's"),
        ({"payer": OPERATOR}, "another payer"),
        ({"asset_id": 4}, "asset 4, and 3 was asked"),
        ({"request_hash": bytes(32)}, "requestHash"),
        ({"response_hash": bytes(32)}, "responseHash"),
        ({"attribution_hash": bytes(32)}, "attributionHash"),
        ({"fee_units": 13}, "its fee is 13, and the published price makes it 12"),
        ({"output_units": 6, "fee_units": 14}, "more than the 5 asked for"),
        ({"input_units": 1, "fee_units": 11}, "other tokens than it shows"),
    ],
)
def test_each_field_is_held_against_what_its_payer_knows(changes: dict[str, Any], said: str) -> None:
    found = timeless_faults(envelope(**changes), PARTIES, SENT, ANSWERED, PRICE)
    assert any(said in clause for clause in found), found


def test_an_answer_that_failed_is_free() -> None:
    failed = Answered(None, failed=True)
    assert timeless_faults(envelope(), PARTIES, SENT, failed, PRICE) == ["it charges for an answer that failed"]
    free = envelope(fee_units=0, input_units=0, output_units=0)
    assert timeless_faults(free, PARTIES, SENT, failed, PRICE) == []


def test_of_a_cut_answer_everything_but_its_hash_is_checked() -> None:
    cut = Answered(None, failed=False)
    assert timeless_faults(envelope(response_hash=bytes(32)), PARTIES, SENT, cut, PRICE) == []
    assert timeless_faults(envelope(fee_units=13), PARTIES, SENT, cut, PRICE) != []


def test_an_answer_of_no_tokens_may_be_free_whatever_its_usage_says() -> None:
    free = envelope(fee_units=0, input_units=0, output_units=0)
    assert timeless_faults(free, PARTIES, SENT, ANSWERED, PRICE) == []


@pytest.mark.parametrize(("started_at", "holds"), [(9_700, True), (9_699, False), (10_310, True), (10_311, False)])
def test_a_receipt_starts_within_five_minutes(started_at: int, holds: bool) -> None:
    assert (timely_faults(envelope(started_at=started_at), SENT, Known(0)) == []) is holds


def test_a_number_that_a_batch_had_taken_is_refused() -> None:
    assert timely_faults(envelope(seq=7), SENT, Known(8)) == ["a batch had taken its seq before the request was sent"]


def test_no_signature_is_no_signer() -> None:
    assert signer_of(envelope(), Domain(901, OPERATOR)) is None


def test_usage_is_read_from_the_last_event_that_has_it() -> None:
    stream = (
        b'data: {"usage":null}\n\ndata: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n' + DONE
    )
    assert usage_in(stream, streamed=True) == (3, 4)
    assert usage_in(b'data: {"choices":[]}\n\n' + DONE, streamed=True) is None


DOCUMENT = {
    "receipt": RECEIPT.to_json(), "salt": "0x" + SALT.hex(), "digest": "0x", "signature": "0x" + "11" * 65,
    "signer": "0x", "set": [{"assetId": 4, "ppm": 1_000_000}],
}  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
def test_the_envelope_is_taken_out_as_it_was_put_in(streamed: bool) -> None:
    member = receipt_member(DOCUMENT)
    produced = b"data: {}\n\n" + DONE if streamed else PRODUCED
    answer = b"data: {}\n\n" + comment(member) + DONE if streamed else mark_json(PRODUCED, member)
    found, envelope_ = read_answer(answer, streamed=streamed)
    assert found == produced
    assert envelope_ is not None
    assert (envelope_.receipt, envelope_.salt, envelope_.entries) == (RECEIPT, SALT, ENTRIES)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(
    st.sampled_from(["receipt", "salt", "signature", "set", "assetId", "ppm", "model", "n", "prompt", "max_tokens"]), v
), max_leaves=8)  # fmt: skip


@given(JSON, st.sampled_from(["receipt", "salt", "signature", "set"]))
def test_no_document_makes_the_reader_fail_otherwise_than_by_refusing(value: object, member: str) -> None:
    for document in (value, DOCUMENT | {member: value}):
        try:
            parse_envelope(document)
        except MalformedInputError:
            continue


@given(st.binary(max_size=300), st.booleans())
def test_no_answer_makes_the_reader_fail_otherwise_than_by_refusing(answer: bytes, streamed: bool) -> None:
    for content in (answer, b'{"a":1,"receipt":{"receipt":{' + answer + b"}", b": receipt " + answer):
        try:
            produced, _ = read_answer(content, streamed=streamed)
        except MalformedInputError:
            continue
        usage_in(produced, streamed=streamed)


MODEL = Model("m", 3, 1_000)


def test_a_request_costs_at_most_its_bytes_and_what_it_asks_for() -> None:
    ask = read_ask(b'{"model":"m","max_tokens":10,"n":3}')
    assert ask == Ask("m", 35, 3, 30, streamed=False)
    assert most_units(ask, MODEL, PRICE) == 35 + 60
    assert ceiling_units(ask, MODEL, PRICE) == 3_000 + 6_000


def test_a_request_without_a_bound_may_fill_the_context() -> None:
    assert most_units(read_ask(b'{"model":"m"}'), MODEL, PRICE) == 13 + 2_000


@given(st.binary(max_size=100) | JSON.map(lambda value: repr(value).encode()))
def test_no_body_makes_the_bound_fail(body: bytes) -> None:
    ask = read_ask(body)
    assert 0 <= most_units(ask, MODEL, PRICE) <= ceiling_units(ask, MODEL, PRICE) + 2 * len(body)


@pytest.mark.parametrize(
    ("fields", "sequences", "most"),
    [
        ({"n": 2, "max_tokens": 10}, 2, 20),
        ({"n": 2, "best_of": 3, "max_tokens": 10}, 3, 30),
        ({"prompt": ["a", "b"], "n": 2, "max_tokens": 10}, 4, 40),
        ({"prompt": [5, 6, 7], "max_tokens": 10}, 1, 10),
        ({"input": ["a b", "c", "d"]}, 3, None),
        ({"input": [[5, 6], [7]]}, 2, None),
        ({"input": "a b"}, 1, None),
        ({"max_completion_tokens": 9, "max_tokens": 70}, 1, 70),
        ({"max_completion_tokens": True, "max_tokens": 0, "n": "2", "best_of": []}, 1, None),
    ],
)
def test_what_is_asked_for_is_bounded_as_the_gateway_bounds_it(
    fields: dict[str, object], sequences: int, most: int | None
) -> None:
    """Less would take an honest receipt for a wrong one, or never sign enough for many texts to embed."""
    ask = read_ask(to_json({"model": "m"} | fields))
    assert (ask.sequences, ask.most_output_units) == (sequences, most)
