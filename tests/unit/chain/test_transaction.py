"""Transactions of type 2 and 3: bytes, hashes and the way back."""

from __future__ import annotations

import pytest
from coincurve import PrivateKey
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.transaction import Call, Fees, Transaction, parse_signed
from ledger.errors import BadSignatureError, MalformedInputError
from ledger.protocol.hexadecimal import checksum_address
from ledger.protocol.signature import address_of

pytestmark = pytest.mark.unit

KEY = PrivateKey(b"\x07" * 32)
wei = st.integers(0, 2**96)

transactions = st.builds(
    Transaction,
    chain_id=st.integers(1, 2**32),
    nonce=st.integers(0, 2**32),
    gas_limit=st.integers(21_000, 2**25),
    fees=st.builds(Fees, wei, wei, wei),
    call=st.builds(Call, st.binary(min_size=20, max_size=20), st.binary(max_size=200), wei),
    versioned_hashes=st.lists(st.binary(min_size=31, max_size=31).map(lambda b: b"\x01" + b), max_size=6).map(tuple),
)


@given(transactions)
def test_a_signed_transaction_is_read_back_from_its_bytes(transaction: Transaction) -> None:
    signed = transaction.sign(KEY)
    read = parse_signed(signed.raw)
    assert read.sender == address_of(KEY)
    assert read.hash == signed.hash
    assert read.transaction.call == transaction.call
    assert read.transaction.versioned_hashes == transaction.versioned_hashes
    assert read.transaction.sign(KEY).raw == signed.raw


@given(transactions)
def test_signing_twice_gives_the_same_bytes(transaction: Transaction) -> None:
    assert transaction.sign(KEY).raw == transaction.sign(KEY).raw


@given(transactions.filter(lambda t: not t.versioned_hashes))
def test_fee_market_transactions_are_those_that_eth_account_signs(transaction: Transaction) -> None:
    theirs = Account.sign_transaction(
        {
            "type": 2,
            "chainId": transaction.chain_id,
            "nonce": transaction.nonce,
            "gas": transaction.gas_limit,
            "maxFeePerGas": transaction.fees.max_fee_wei,
            "maxPriorityFeePerGas": transaction.fees.max_priority_fee_wei,
            "to": checksum_address(transaction.call.to),
            "value": transaction.call.value_wei,
            "data": transaction.call.data,
        },
        KEY.secret,
    )
    ours = transaction.sign(KEY)
    assert ours.raw == bytes(theirs.raw_transaction)
    assert ours.hash == bytes(theirs.hash)


@given(transactions, st.data())
def test_a_spoilt_transaction_is_refused_or_another_transaction(transaction: Transaction, data: st.DataObject) -> None:
    raw = bytearray(transaction.sign(KEY).raw)
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = parse_signed(bytes(raw))
    except (MalformedInputError, BadSignatureError):
        return
    assert read.hash != transaction.sign(KEY).hash


@pytest.mark.parametrize("raw", [b"", b"\x02", b"\x01\xc0", b"\x02\xc0", b"\x03\xcb" + b"\x80" * 11])
def test_what_is_no_such_transaction_is_refused(raw: bytes) -> None:
    with pytest.raises((MalformedInputError, BadSignatureError)):
        parse_signed(raw)
