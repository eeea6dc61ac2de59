"""How much is signed: never lower, never above the budget, a few requests ahead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.protocol.units import DAY_SECONDS, POST_DEADLINE_SECONDS
from payer.errors import BudgetExhaustedError
from payer.spending import Account, Limits, next_cap

pytestmark = pytest.mark.unit

NOW = 1_800_000_000
FAR = NOW + 30 * DAY_SECONDS
UNITS = st.integers(0, 10**6)
LIMITS = Limits(budget_units=1_000, ahead_requests=4, days=30)


def account(**changes: int) -> Account:
    fields = {"base_units": 0, "spent_units": 0, "open_units": 0, "cap_units": 0, "valid_until": 0}
    return Account(**(fields | changes))


def test_the_first_cap_reaches_a_few_requests_ahead() -> None:
    assert next_cap(account(), LIMITS, 50, NOW) == (200, FAR)


def test_a_cap_that_reaches_is_left_alone() -> None:
    stands = account(spent_units=100, open_units=40, cap_units=200, valid_until=FAR)
    assert next_cap(stands, LIMITS, 60, NOW) is None
    assert next_cap(stands, LIMITS, 61, NOW) == (140 + 4 * 61, FAR)


def test_what_others_signed_before_counts_as_spent() -> None:
    assert next_cap(account(base_units=300), LIMITS, 50, NOW) == (500, FAR)


def test_the_budget_is_the_last_cap() -> None:
    stands = account(spent_units=900, cap_units=900, valid_until=FAR)
    assert next_cap(stands, LIMITS, 50, NOW) == (1_000, FAR)
    whole = account(spent_units=990, cap_units=1_000, valid_until=FAR)
    assert next_cap(whole, LIMITS, 50, NOW) is None  # the gateway may serve what costs no more than is left
    with pytest.raises(BudgetExhaustedError, match="used up"):
        next_cap(account(spent_units=1_000, cap_units=1_000, valid_until=FAR), LIMITS, 50, NOW)


def test_more_than_the_budget_that_was_signed_before_is_said_and_not_served() -> None:
    with pytest.raises(BudgetExhaustedError, match="lowerCap"):
        next_cap(account(cap_units=1_001, valid_until=FAR), LIMITS, 1, NOW)


def test_an_authorization_is_renewed_before_nothing_is_served_on_it_any_more() -> None:
    ends = NOW + POST_DEADLINE_SECONDS + 3_600
    assert next_cap(account(cap_units=200, valid_until=ends), LIMITS, 50, NOW) == (200, FAR)
    assert next_cap(account(cap_units=200, valid_until=ends + 1), LIMITS, 50, NOW) is None


@given(
    st.builds(Account, UNITS, UNITS, UNITS, UNITS, st.integers(0, 2 * FAR)),
    st.builds(Limits, st.integers(1, 2 * 10**6), st.integers(1, 20), st.integers(2, 365)),
    st.integers(0, 10**6),
)
def test_no_cap_falls_or_leaves_the_budget_or_raises_nothing(stands: Account, limits: Limits, most: int) -> None:
    try:
        wanted = next_cap(stands, limits, most, NOW)
    except BudgetExhaustedError:
        assert stands.cap_units > limits.budget_units or stands.owed_units >= limits.budget_units
        return
    if wanted is None:
        assert stands.cap_units >= min(stands.owed_units + most, limits.budget_units)
        return
    cap, valid_until = wanted
    assert stands.cap_units <= cap <= limits.budget_units
    assert valid_until >= stands.valid_until
    assert (cap, valid_until) != (stands.cap_units, stands.valid_until)
    assert cap <= max(stands.cap_units, stands.owed_units + most * limits.ahead_requests)
