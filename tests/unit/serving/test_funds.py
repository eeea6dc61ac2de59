"""Why a payer can't pay, and what it should do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.protocol.units import POST_DEADLINE_SECONDS
from serving.failures import failure_of
from serving.payers.funds import Funds, explain

pytestmark = pytest.mark.unit

NOW = 1_800_000_000
UNITS = st.integers(0, 200)


def funds(**changes: int) -> Funds:
    fields = {
        "balance_units": 100,
        "thawing_units": 0,
        "debt_units": 0,
        "collected_units": 0,
        "cap_units": 100,
        "valid_until": NOW + 2 * POST_DEADLINE_SECONDS,
        "uncollected_units": 0,
        "held_units": 0,
        "spendable_units": 0,
        "block_number": 1,
    }
    return Funds(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "reason", "remedy"),
    [
        ({"balance_units": 0}, "unfunded", "deposit"),
        ({"thawing_units": 100}, "unfunded", "deposit"),
        ({"debt_units": 100}, "unfunded", "deposit"),
        ({"valid_until": NOW + POST_DEADLINE_SECONDS}, "authorization_expired", "authorize"),
        ({"uncollected_units": 60}, "deposit_exhausted", "deposit"),
        ({"balance_units": 500, "collected_units": 60}, "cap_exhausted", "authorize"),
        ({"balance_units": 500, "held_units": 51}, "cap_exhausted", "authorize"),
    ],
)
def test_each_want_has_its_reason_and_its_remedy(changes: dict[str, int], reason: str, remedy: str) -> None:
    refusal = explain(funds(**changes), 50, NOW)
    assert refusal is not None
    assert (refusal.reason, refusal.remedy) == (reason, remedy)
    failure = failure_of(refusal)
    assert failure.status == 402
    assert failure.error["code"] == reason
    assert failure.error["remedy"]


AMOUNTS = ("balance", "thawing", "debt", "collected", "cap", "uncollected", "held")


@given(st.fixed_dictionaries({f"{name}_units": UNITS for name in AMOUNTS}), st.integers(1, 100))
def test_a_refusal_is_explained_exactly_when_the_account_does_not_reach(amounts: dict[str, int], exposure: int) -> None:
    """The explanation agrees with the condition that PostgreSQL checks (`spendable_units`)."""
    one = funds(**amounts)
    usable = min(one.balance_units - one.thawing_units - one.debt_units, one.cap_units - one.collected_units)
    spendable = usable - one.uncollected_units - one.held_units
    assert (explain(one, exposure, NOW) is None) == (spendable >= exposure)
