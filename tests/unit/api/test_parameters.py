"""Cursors and addresses: what comes in is checked, what goes out comes back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.finality import Finality, Head, Heads
from api.parameters import LARGEST_ID, address_of, cursor_after, key_of
from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import checksum_address

pytestmark = pytest.mark.unit

ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"

keys = st.lists(st.one_of(st.integers(-1, LARGEST_ID), st.binary(min_size=1, max_size=32)), min_size=1, max_size=3)


@given(keys)
def test_a_cursor_comes_back_as_the_key_it_was_made_of(key: list[int | bytes]) -> None:
    cursor = cursor_after(*key)
    assert key_of(cursor, tuple(type(part) for part in key)) == tuple(key)


@given(st.text(max_size=40))
def test_no_text_is_more_than_a_wrong_cursor(text: str) -> None:
    try:
        key = key_of(text, (int,))
    except MalformedInputError:
        return
    assert key is not None
    assert isinstance(key[0], int)


def test_a_cursor_of_another_path_is_refused() -> None:
    with pytest.raises(MalformedInputError, match="none of this path's"):
        key_of(cursor_after(7), (bytes,))
    with pytest.raises(MalformedInputError, match="none of this path's"):
        key_of(cursor_after(7, 8), (int,))


@given(st.binary(min_size=20, max_size=20))
def test_an_address_is_read_with_its_checksum_or_without(raw: bytes) -> None:
    text = checksum_address(raw)
    assert address_of(text) == address_of(text.lower()) == raw


def test_a_mistyped_checksum_is_noticed() -> None:
    assert address_of(ADDRESS)
    with pytest.raises(MalformedInputError, match="EIP-55"):
        address_of(ADDRESS.replace("70997970C", "70997970c"))


@pytest.mark.parametrize(
    ("block", "finality"),
    [(0, "finalized"), (10, "finalized"), (11, "safe"), (20, "safe"), (21, "unsafe"), (30, "unsafe")],
)
def test_finality_is_the_strongest_tag_that_covers_the_block(block: int, finality: str) -> None:
    def head(number: int) -> Head:
        return Head(number, bytes(32), 0)

    assert Heads(head(30), head(20), head(10)).of(block) == Finality(finality)
    assert Heads(head(30), None, None).of(block) == Finality.UNSAFE
