"""Contributor lists: one spelling, one root, and shares that add up to the last unit."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import MalformedInputError
from ledger.protocol.contributors import (
    LIST_TAG,
    MAX_CONTRIBUTORS,
    Contributor,
    ContributorList,
    apportion,
    check_list,
    contributors_root,
    is_list_payee,
    list_id_of,
    list_payee,
    read_row,
    row_of,
)
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import SHARE_ONE

pytestmark = pytest.mark.unit

some_weights = st.one_of(st.integers(1, 3), st.integers(1, 10**6), st.integers(2**50, 2**58))
weight_lists = st.lists(some_weights, min_size=1, max_size=60)
shares = st.one_of(st.just(SHARE_ONE), st.integers(0, SHARE_ONE), st.integers(0, 100))


def who(n: int) -> bytes:
    return n.to_bytes(20)


def some(*weights: int) -> list[Contributor]:
    return [Contributor(who(n), weight) for n, weight in enumerate(weights, start=1)]


@given(shares, weight_lists)
def test_the_parts_of_a_share_add_up_to_it_and_none_is_a_unit_off(share: int, weights: list[int]) -> None:
    parts = list(apportion(share, weights, sum(weights)))
    assert sum(parts) == share
    assert len(parts) == len(weights)
    for part, weight in zip(parts, weights, strict=True):
        exact = Fraction(share * weight, sum(weights))
        assert part >= 0
        assert abs(part - exact) < 1


@given(shares, weight_lists, st.integers(1, 10**6))
def test_the_scale_of_weights_changes_nothing(share: int, weights: list[int], scale: int) -> None:
    scaled = [weight * scale for weight in weights]
    assert list(apportion(share, scaled, sum(scaled))) == list(apportion(share, weights, sum(weights)))


@given(shares, weight_lists, st.data())
def test_neighbours_together_get_what_one_of_their_weight_would(
    share: int, weights: list[int], data: st.DataObject
) -> None:
    """So splitting a contributor in two, side by side, moves no unit to or from anybody else."""
    at = data.draw(st.integers(0, len(weights) - 1))
    cut = data.draw(st.integers(0, weights[at]))
    split = [*weights[:at], cut, weights[at] - cut, *weights[at + 1 :]]
    parts, whole = list(apportion(share, split, sum(split))), list(apportion(share, weights, sum(weights)))
    assert [*parts[:at], parts[at] + parts[at + 1], *parts[at + 2 :]] == whole


def test_five_thousand_contributors_divide_a_share_of_one() -> None:
    listed = ContributorList(1, some(*range(1, 5_001)))
    parts = dict(listed.divide(SHARE_ONE))
    assert sum(parts.values()) == SHARE_ONE
    assert parts[who(5_000)] == SHARE_ONE - SHARE_ONE * sum(range(5_000)) // sum(range(5_001))
    assert listed.payee == list_payee(1)


def model_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return keccak256(model_root(leaves[:left]), model_root(leaves[left:]))


@settings(max_examples=60)
@given(st.integers(1, 140))
def test_the_root_is_that_of_the_rfcs_definition(count: int) -> None:
    rows = some(*range(1, count + 1))
    assert contributors_root(rows) == model_root([keccak256(row_of(row)) for row in rows])


@given(st.binary(min_size=20, max_size=20), st.integers(1, 2**64 - 1))
def test_a_row_is_read_as_it_was_written(address: bytes, weight: int) -> None:
    row = Contributor(address, weight)
    assert read_row(row_of(row)) == row


@given(st.binary(max_size=80))
def test_a_row_of_any_bytes_is_read_or_refused(row: bytes) -> None:
    if len(row) == 32:
        assert row_of(read_row(row)) == row
    else:
        with pytest.raises(MalformedInputError):
            read_row(row)


def test_a_list_rises_by_address_whatever_order_it_came_in() -> None:
    assert check_list(reversed(some(5, 6, 7))) == tuple(some(5, 6, 7))


@pytest.mark.parametrize(
    ("contributors", "says"),
    [
        ([], "1 to 65,536"),
        (some(*[1] * (MAX_CONTRIBUTORS + 1)), "not 65,537"),
        ([*some(1, 2), Contributor(who(2), 9)], "stands twice"),
        ([Contributor(bytes(20), 1)], "nobody's address"),
        ([Contributor(list_payee(7), 1)], "nobody's address"),
        (some(1, 0), "weight below 1"),
        (some(1, -4), "weight below 1"),
        (some(2**63, 2**63), "2\\^64"),
    ],
)
def test_a_list_that_the_registry_would_refuse_is_refused_here(contributors: list[Contributor], says: str) -> None:
    with pytest.raises(MalformedInputError, match=says):
        check_list(contributors)


def test_payee_addresses_are_told_from_all_others() -> None:
    assert list_payee(3) == LIST_TAG + b"\0\0\0\3"
    assert list_id_of(list_payee(2**32 - 1)) == 2**32 - 1
    assert not is_list_payee(b"\xaa" * 20)
    assert list_id_of(b"\xaa" * 20) is None
    with pytest.raises(MalformedInputError):
        ContributorList(0, some(1))
