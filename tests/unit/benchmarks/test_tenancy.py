"""The model of one process for each adapter, and the adapters and requests that are measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tenancy.made_adapters import make_adapters, read_made
from benchmarks.tenancy.modelling import SeparateModel, adapters_for, modelled_on, saved
from benchmarks.tenancy.processes import Separate
from benchmarks.tenancy.traffic import popularity
from ledger.config import CHECKOUT
from serving.engine.adapter import read_adapter
from serving.engine.checkpoint import read_shape
from serving.engine.files import read_folder

pytestmark = pytest.mark.unit

MODEL = SeparateModel({1: 100.0, 4: 200.0, 32: 350.0}, own_bytes=50.0, shared_bytes=8.0)


def test_rates_lie_between_the_measured_batches_and_stay_within_them() -> None:
    assert [MODEL.rate_at(batch) for batch in (1, 4, 32)] == [100, 200, 350]
    assert MODEL.rate_at(2) == pytest.approx(150)
    assert (MODEL.rate_at(0.01), MODEL.rate_at(1_000)) == (100, 350)


def test_one_model_has_the_whole_batch_and_many_have_a_batch_of_one_each() -> None:
    assert MODEL.rate_of(1) == pytest.approx(350)
    assert MODEL.rate_of(100_000) == pytest.approx(100, rel=0.2)
    rates = [MODEL.rate_of(models) for models in (1, 10, 100, 1_000)]
    assert rates == sorted(rates, reverse=True)


def test_the_model_gives_back_what_it_was_made_from() -> None:
    model = modelled_on(Separate(cpu=1.0, tokens=1, pss=508.0, uss=50.0), 10, {1: 1.0})
    assert model.bytes_of(10) == 508
    assert model.bytes_of(1) == 58


@given(fixed=st.floats(1, 1e4), each=st.floats(0.01, 10), process=st.floats(20, 1e3), share=st.floats(0.1, 0.9999))
def test_the_least_number_of_adapters_saves_the_share_and_one_fewer_does_not(fixed, each, process, share) -> None:
    def saving(count: int) -> float:
        return saved(fixed + count * each, count * process) / 100

    count = adapters_for(share, fixed, each, process)
    if count is None:
        assert saving(10**12) <= share + 1e-9
    else:
        assert saving(count) >= share - 1e-9
        assert count == 1 or saving(count - 1) < share + 1e-9


def test_by_counting_adapters_alone_the_field_s_figure_is_ten_thousand() -> None:
    assert adapters_for(0.9999, fixed=1.0, each=0.0, process=1.0) in {10_000, 10_001}


def test_shares_follow_zipf_s_law() -> None:
    shares = popularity(1_000)
    assert sum(shares) == pytest.approx(1)
    assert shares[0] / shares[9] == pytest.approx(10)


def test_made_adapters_are_all_different_and_are_what_their_list_says(tmp_path) -> None:
    made = make_adapters(tmp_path, 20)
    assert len({one.content_hash for one in made}) == 20
    assert read_made(tmp_path) == made
    shape = read_shape((CHECKOUT / "models" / "base" / "config.json").read_bytes())
    for one in made:
        assert read_adapter(read_folder(one.pin().path, 1 << 30), shape, 8).size_bytes == 241_664
