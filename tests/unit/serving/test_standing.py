"""The cap that counts: PaymentEscrow's rule over what stands on chain and what was signed since."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.structs import Account
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.units import POST_DEADLINE_SECONDS
from serving.payers.standing import Standing, on_chain, standing

pytestmark = pytest.mark.unit

NOW = 1_800_000_000
LATER = NOW + 10 * POST_DEADLINE_SECONDS


def account(cap: int = 0, valid_until: int = 0, **changes: int) -> Account:
    fields = dict.fromkeys(Account.__slots__, 0) | {"cap_units": cap, "valid_until": valid_until} | changes
    return Account(**fields)


def signed(cap: int, valid_until: int = LATER) -> SpendAuthorization:
    return SpendAuthorization(b"p" * 20, b"o" * 20, cap, valid_until)


def test_a_first_authorization_counts() -> None:
    assert standing(account(), [signed(5)], NOW) == Standing(5, LATER, 0)


def test_an_expired_authorization_does_not_count() -> None:
    assert standing(account(3, LATER), [signed(9, NOW)], NOW).cap_units == 3


def test_a_higher_cap_with_an_earlier_end_does_not_replace_what_stands() -> None:
    assert standing(account(3, LATER), [signed(9, LATER - 1)], NOW) == Standing(3, LATER, 0)


def test_what_stands_but_is_over_gives_way_to_a_lower_cap() -> None:
    assert standing(account(9, NOW - 1), [signed(3)], NOW).cap_units == 3


def test_an_authorization_up_to_a_lowerings_end_is_dead() -> None:
    lowered = account(2, LATER, dead_valid_until=LATER)
    assert standing(lowered, [signed(9, LATER)], NOW).cap_units == 2
    assert standing(lowered, [signed(9, LATER + 1)], NOW).cap_units == 9


def test_a_lowering_counts_as_soon_as_a_batch_could_meet_it() -> None:
    far, near = NOW + POST_DEADLINE_SECONDS + 1, NOW + POST_DEADLINE_SECONDS
    lowering = {"lowered_cap_units": 1, "lowered_valid_until": LATER}
    assert on_chain(account(9, LATER, lowering_at=far, **lowering), NOW).cap_units == 9
    assert on_chain(account(9, LATER, lowering_at=near, **lowering), NOW) == Standing(1, LATER, LATER)
    assert standing(account(9, LATER, lowering_at=near, **lowering), [signed(9, LATER)], NOW).cap_units == 1


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(NOW - 2, NOW + 6)), max_size=6),
    st.tuples(st.integers(0, 9), st.integers(NOW - 2, NOW + 6)),
)
def test_what_stands_is_something_that_was_signed_or_stood(
    signatures: list[tuple[int, int]], start: tuple[int, int]
) -> None:
    found = standing(account(*start), [signed(*pair) for pair in signatures], NOW)
    assert (found.cap_units, found.valid_until) in {start, *signatures}
    if start[1] >= NOW:
        assert found.cap_units >= start[0]
        assert found.valid_until >= start[1]
