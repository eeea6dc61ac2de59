"""Gas as money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.onchain.batches import Spent
from benchmarks.onchain.money import LARGEST_BATCH, PRICE_SETS, Prices, break_even, cost_wei, data_fee_wei, nanodollars

pytestmark = pytest.mark.unit

GWEI = 10**9
PRICES = Prices("round", 2 * GWEI, 3 * GWEI, 5 * GWEI, 1_000)


def test_each_kind_of_gas_has_its_own_price() -> None:
    base = cost_wei(Spent(), PRICES)
    assert base == data_fee_wei(0, PRICES)
    assert cost_wei(Spent(l1_gas=7), PRICES) == base + 14 * GWEI
    assert cost_wei(Spent(blob_gas=7), PRICES) == base + 21 * GWEI
    assert cost_wei(Spent(l2_gas=7), PRICES) == base + 35 * GWEI


def test_an_ethers_worth_is_rounded_up_to_the_nanodollar() -> None:
    assert nanodollars(10**18, PRICES) == 1_000 * 10**9
    assert nanodollars(1, PRICES) == 1
    assert nanodollars(0, PRICES) == 0


def test_the_data_fee_has_a_floor_and_then_grows_with_the_bytes() -> None:
    # Fjord: (16 · 2269 · 2 gwei + 1055762 · 3 gwei) / 1e12 wei for each millionth of an estimated byte.
    per_byte = (16 * 2_269 * 2 * GWEI + 1_055_762 * 3 * GWEI) * 836_500 / 10**12
    assert data_fee_wei(10, PRICES) == data_fee_wei(119, PRICES)
    assert data_fee_wei(1_000_000, PRICES) == pytest.approx(1_000_000 * per_byte, rel=1e-9)


@given(fixed=st.integers(1, 10**9), each=st.integers(0, 1_000), earned=st.integers(1, 10**6))
def test_from_the_break_even_batch_on_every_batch_pays(fixed: int, each: int, earned: int) -> None:
    least = break_even(lambda n: fixed + each * n, earned)
    paying = [n for n in (1, 2, LARGEST_BATCH) if fixed + each * n <= n * earned]
    if least is None:
        assert LARGEST_BATCH not in paying
        return
    assert fixed + each * least <= least * earned
    assert least == 1 or fixed + each * (least - 1) > (least - 1) * earned


def test_the_price_sets_rise() -> None:
    costs = [nanodollars(cost_wei(Spent(10**6, 10**6, 10**6, 10**3), prices), prices) for prices in PRICE_SETS]
    assert costs == sorted(costs)
