"""Replacement fees and ceilings."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.chain.fees import FeePolicy, raised_fees
from ledger.chain.transaction import Fees
from ledger.errors import FeeTooHighError

pytestmark = pytest.mark.unit

price = st.integers(1, 10**12)
fees = st.builds(Fees, price, price, price)


@given(fees, fees)
def test_a_replacement_offers_a_tenth_more_on_every_price(old: Fees, market: Fees) -> None:
    new = raised_fees(old, market, FeePolicy(), blobs=False, chain="L1")
    assert new.max_fee_wei * 10 >= old.max_fee_wei * 11
    assert new.max_fee_wei >= market.max_fee_wei
    assume(new.max_priority_fee_wei < new.max_fee_wei)
    assert new.max_priority_fee_wei * 10 >= old.max_priority_fee_wei * 11


@given(fees, fees)
def test_a_blob_transaction_doubles_every_price(old: Fees, market: Fees) -> None:
    new = raised_fees(old, market, FeePolicy(), blobs=True, chain="L1")
    assert new.max_fee_wei >= 2 * old.max_fee_wei
    assert new.max_blob_fee_wei >= 2 * old.max_blob_fee_wei


@given(fees, fees, price)
def test_no_ceiling_is_ever_passed(old: Fees, market: Fees, ceiling: int) -> None:
    policy = FeePolicy(ceiling_wei=ceiling, blob_ceiling_wei=ceiling)
    try:
        new = raised_fees(old, market, policy, blobs=True, chain="L1")
    except FeeTooHighError:
        assert 2 * max(old.max_fee_wei, old.max_blob_fee_wei) > ceiling
        return
    assert new.max_fee_wei <= ceiling
    assert new.max_priority_fee_wei <= ceiling
    assert new.max_blob_fee_wei <= ceiling


def test_a_price_above_the_ceiling_names_both() -> None:
    with pytest.raises(FeeTooHighError, match="L1 gas costs 20 wei, above the ceiling of 15 wei"):
        raised_fees(Fees(10, 1), Fees(10, 1), FeePolicy(ceiling_wei=15), blobs=True, chain="L1")
