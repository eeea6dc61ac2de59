"""Signatures, hexadecimal, content hashes, sets and receipts in answers: hostile input included."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadSignatureError, InvalidAttributionSetError, InvalidReceiptError, MalformedInputError
from ledger.protocol import stripping
from ledger.protocol.attribution import SetEntry, attribution_hash, check_set
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.consent import AuditConsent, parse_consent
from ledger.protocol.content import ContentFile, content_hash, licence_of, listing, registered_uri
from ledger.protocol.hexadecimal import checksum_address, from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, private_key, recover, sign
from ledger.protocol.units import MAX_U40, MAX_U64
from tests.unit.protocol.strategies import addresses, attribution_sets

pytestmark = pytest.mark.unit
KEY = private_key(b"\x11" * 32)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@given(st.binary(min_size=32, max_size=32))
def test_a_signature_recovers_to_its_key(digest):
    assert recover(digest, sign(digest, KEY)) == address_of(KEY)


def test_a_signature_has_one_form():
    digest = keccak256(b"x")
    signature = sign(digest, KEY)
    flipped = ORDER - int.from_bytes(signature[32:64], "big")
    high = signature[:32] + flipped.to_bytes(32, "big") + bytes([55 - signature[64]])
    for bad in (b"", signature[:64], signature[:64] + b"\x01", high, bytes(64) + b"\x1b"):
        with pytest.raises(BadSignatureError):
            recover(digest, bad)


@given(st.binary(min_size=65, max_size=65))
def test_hostile_signatures_recover_or_are_refused(signature):
    with contextlib.suppress(BadSignatureError):
        assert len(recover(keccak256(b"x"), signature)) == 20


@given(st.one_of(st.text(max_size=70), st.integers(), st.none(), st.binary(max_size=20).map(to_hex)))
def test_from_hex_takes_exactly_its_length(text):
    with contextlib.suppress(MalformedInputError):
        assert to_hex(from_hex(text, 20)).lower() == str(text).lower()


def test_from_hex_refuses_white_space_inside():
    with pytest.raises(MalformedInputError):
        from_hex("0x" + "11 " * 13 + "1", 20)


def test_addresses_are_shown_with_their_checksum():
    known = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # from EIP-55
    assert checksum_address(bytes.fromhex(known[2:])) == known


@given(attribution_sets())
def test_a_good_set_passes_and_has_a_hash_of_its_own(entries):
    assert check_set(entries) == entries
    assert (attribution_hash(entries) == bytes(32)) == (not entries)


@pytest.mark.parametrize(
    "bad",
    [
        [(1, 999_999)],
        [(2, 500_000), (1, 500_000)],
        [(1, 500_000), (1, 500_000)],
        [(1, 0), (2, 1_000_000)],
        [(2**32, 1_000_000)],
        [(i, 62_500) for i in range(16)] + [(99, 1)],
    ],
)
def test_a_bad_set_is_refused(bad):
    with pytest.raises(InvalidAttributionSetError):
        check_set([SetEntry(*e) for e in bad])


def test_content_does_not_depend_on_order_and_refuses_bad_paths():
    a, b = ContentFile("a/x", 1, b"1" * 32), ContentFile("b", 2, b"2" * 32)
    assert content_hash([a, b]) == content_hash([b, a]) != content_hash([a])
    assert listing([a]) == b"tributary content 1\n" + (b"31" * 32) + b" 1 a/x\n"
    for path in ("/etc/passwd", "../x", "a//b", "a/./b", "a\nb", ""):
        with pytest.raises(MalformedInputError):
            content_hash([ContentFile(path, 1, b"1" * 32)])
    with pytest.raises(MalformedInputError):
        content_hash([a, a])


ENVELOPE = {"receipt": {"seq": 1}, "salt": "0x00", "set": []}
texts = st.text(max_size=60) | st.just('x","receipt":{"receipt":{"') | st.just(": receipt {}\n\ndata: [DONE]")


@given(st.dictionaries(st.text(max_size=5), texts, min_size=1, max_size=3))
def test_stripping_a_body_undoes_the_marking(content):
    body = json.dumps({"choices": [content]}).encode()
    marked = stripping.mark_json(body, stripping.receipt_member(ENVELOPE))
    assert json.loads(marked)["receipt"] == ENVELOPE
    assert stripping.strip_json(marked) == (body, ENVELOPE)
    assert stripping.strip_json(body) == (body, None)


@given(st.lists(texts, max_size=5), st.booleans())
def test_stripping_a_stream_undoes_the_marking(pieces, with_usage):
    events = [b"data: " + json.dumps({"delta": piece}).encode() for piece in pieces]
    usage = json.dumps({"choices": [], "usage": {"n": 1}}).encode()
    envelope = stripping.receipt_member(ENVELOPE)
    produced = b"".join(e + b"\n\n" for e in events)
    sent = produced
    if with_usage:
        produced += b"data: " + usage + b"\n\n"
        sent += b"data: " + stripping.mark_json(usage, envelope) + b"\n\n"
    produced += stripping.DONE
    sent += stripping.comment(envelope) + stripping.DONE
    assert stripping.strip_stream(sent) == (produced, ENVELOPE)
    assert stripping.strip_stream(produced) == (produced, None)


@given(st.binary(max_size=200))
def test_hostile_answers_are_stripped_or_refused(noise):
    for strip in (stripping.strip_json, stripping.strip_stream):
        with contextlib.suppress(MalformedInputError):
            strip(noise + b',"receipt":{"receipt":{' + noise)


@given(
    st.dictionaries(
        st.sampled_from(list(Receipt.__dataclass_fields__)) | st.text(max_size=8),
        st.one_of(st.none(), st.integers(), st.text(max_size=70), st.booleans(), st.lists(st.integers(), max_size=2)),
    )
)
def test_hostile_receipt_json_is_refused(message):
    with pytest.raises((MalformedInputError, InvalidReceiptError)):
        Receipt.from_json(message)


SIGNATURES = st.binary(min_size=65, max_size=65)


@given(addresses, addresses, st.integers(0, MAX_U64), st.integers(0, MAX_U40), SIGNATURES)
def test_a_signed_authorization_is_read_as_it_was_written(payer, operator, cap, until, signature):
    authorization = SpendAuthorization(payer, operator, cap, until)
    sent = json.loads(json.dumps(authorization.signed_json(signature)))
    assert SpendAuthorization.from_json(sent["authorization"]) == authorization
    assert from_hex(sent["signature"], 65) == signature


@given(
    st.dictionaries(
        st.sampled_from(["payer", "operator", "cumulativeCap", "validUntil"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=70), st.booleans(), addresses.map(to_hex), st.floats()),
    )
)
def test_a_hostile_authorization_is_refused_or_fits_its_types(message):
    with contextlib.suppress(MalformedInputError):
        read = SpendAuthorization.from_json(message)
        assert len(read.payer) == len(read.operator) == 20
        assert 0 <= read.cumulative_cap_units <= MAX_U64
        assert 0 <= read.valid_until <= MAX_U40


@given(addresses, addresses, st.integers(0, MAX_U40 - 1), SIGNATURES)
def test_a_signed_consent_is_read_as_it_was_written(payer, operator, since, signature):
    consent = AuditConsent(payer, operator, since, MAX_U40)
    assert parse_consent(json.loads(json.dumps(consent.signed_json(signature)))) == (consent, signature)


@pytest.mark.parametrize("licence", ["CC-BY-4.0", "Apache-2.0 WITH LLVM-exception", "(MIT OR GPL-2.0+)", None])
@pytest.mark.parametrize("uri", ["", "https://example.org/data?x=1"])
def test_a_licence_is_read_from_the_uri_that_it_was_put_into(uri, licence):
    registered = registered_uri(uri, licence)
    assert licence_of(registered) == licence
    assert registered.partition("#")[0] == uri
    assert " " not in registered


@given(st.text(max_size=60))
def test_any_uri_states_a_licence_or_none(uri):
    assert licence_of(uri) != ""
