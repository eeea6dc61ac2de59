"""The strict ABI reader against eth_abi's encoder, and against garbage."""

from __future__ import annotations

import contextlib

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.abi_reading import read_values, reader_of
from ledger.errors import MalformedLogError
from tests.unit.chain.abi_values import Typed, canonical, typed_values

pytestmark = pytest.mark.unit


def word(value: int) -> bytes:
    return value.to_bytes(32, "big")


@given(st.lists(typed_values, min_size=1, max_size=4))
def test_every_encoded_value_is_read_back(members: list[Typed]) -> None:
    encoding = encode([canonical(raw) for raw, _ in members], [value for _, value in members])
    values = read_values([reader_of(raw) for raw, _ in members], encoding)
    assert list(values) == [value for _, value in members]


@given(st.lists(typed_values, min_size=1, max_size=3), st.data())
def test_a_spoilt_encoding_is_read_or_refused_but_never_breaks_the_reader(
    members: list[Typed], data: st.DataObject
) -> None:
    encoding = bytearray(encode([canonical(raw) for raw, _ in members], [value for _, value in members]))
    if encoding:
        for _ in range(data.draw(st.integers(1, 3))):
            encoding[data.draw(st.integers(0, len(encoding) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(encoding)))
    with contextlib.suppress(MalformedLogError):
        read_values([reader_of(raw) for raw, _ in members], bytes(encoding[:cut]))


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("uint64", word(2**64)),
        ("uint24", word(2**24)),
        ("bool", word(2)),
        ("address", word(2**160)),
        ("bytes4", word(1)),
        ("uint256", b"\0" * 31),
        ("bytes", word(32) + word(1)),
        ("bytes", word(2**255)),
        ("uint8[]", word(32) + word(2**40)),
        ("uint8[]", word(32) + word(3) + word(1) + word(2)),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(kind: str, encoding: bytes) -> None:
    with pytest.raises(MalformedLogError):
        read_values([reader_of({"type": kind})], encoding)


def test_text_that_postgresql_could_not_keep_is_replaced_and_not_refused() -> None:
    encoding = encode(["bytes"], [b"a\0b\xff"])
    assert read_values([reader_of({"type": "string"})], encoding) == ("a\ufffdb\ufffd",)


def test_structs_the_protocol_knows_become_its_dataclasses() -> None:
    raw = {
        "type": "tuple[]",
        "internalType": "struct IAttributionRegistry.Share[]",
        "components": [{"type": "address"}, {"type": "uint32"}],
    }
    (shares,) = read_values([reader_of(raw)], encode(["(address,uint32)[]"], [[(b"\x11" * 20, 7)]]))
    assert shares[0].payee == b"\x11" * 20
    assert shares[0].ppm == 7
