"""Drawing tokens: reproducible, within the nucleus, and as probable as they should be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ledger.errors import MalformedInputError
from serving.engine.request import SamplingParameters
from serving.engine.sampling import draw, likeliest, log_probabilities, uniform

pytestmark = pytest.mark.unit

logits = arrays.arrays(
    np.float32, st.integers(1, 40), elements=st.floats(-50, 50, width=32, allow_nan=False, allow_infinity=False)
)
temperatures = st.floats(1e-300, 2.0)
nucleus = st.floats(1e-20, 1.0, exclude_min=True)
seeds = st.integers(-(2**70), 2**70)


def softmax(row, temperature: float):
    with np.errstate(over="ignore"):
        weights = np.exp((row.astype(np.float64) - row.max()) / temperature)
    return weights / weights.sum()


@given(logits, temperatures, nucleus, seeds, st.integers(0, 10**6))
def test_a_draw_is_repeatable_and_lies_in_the_nucleus(row, temperature, top_p, seed, position):
    parameters = SamplingParameters(1, temperature=temperature, top_p=top_p)
    token = draw(row, parameters, seed, position)
    assert token == draw(row, parameters, seed, position)
    probabilities = softmax(row, temperature)
    likelier = probabilities[probabilities > probabilities[token]].sum()
    assert probabilities[token] > 0
    assert likelier <= top_p + 1e-9


@given(logits, seeds, st.integers(0, 1000))
def test_temperature_zero_takes_the_first_of_the_likeliest(row, seed, position):
    token = draw(row, SamplingParameters(1, temperature=0), seed, position)
    assert token == int(np.flatnonzero(row == row.max())[0])


@given(logits, temperatures, seeds)
def test_a_tiny_nucleus_is_the_likeliest_token(row, temperature, seed):
    token = draw(row, SamplingParameters(1, temperature=temperature, top_p=1e-12), seed, 0)
    assert softmax(row, temperature)[token] == softmax(row, temperature).max()


def test_tokens_are_drawn_as_often_as_their_probability_says():
    row = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    for top_p, expected in ((1.0, [0.5, 0.3, 0.15, 0.05]), (0.8, [0.625, 0.375, 0, 0])):
        parameters = SamplingParameters(1, temperature=1.0, top_p=top_p)
        drawn = np.bincount([draw(row, parameters, 11, position) for position in range(20_000)], minlength=4)
        assert np.abs(drawn / 20_000 - expected).max() < 0.012


def test_uniform_numbers_are_fixed_by_seed_and_position_alone():
    # From `head -c 16 /dev/zero | b2sum -l 64`, read as little-endian, its upper 53 bits.
    assert uniform(0, 0) == 0.0564663990004608
    assert uniform(42, 7) == uniform(42 + 2**64, 7)
    assert len({uniform(seed, position) for seed in range(50) for position in range(50)}) == 2_500


@given(logits)
def test_log_probabilities_are_those_of_a_distribution(row):
    values = log_probabilities(row)
    assert np.exp(values).sum() == pytest.approx(1.0)
    assert np.all(values <= 1e-12)


@given(logits, st.integers(0, 20))
def test_the_likeliest_come_in_order_the_lower_id_first_among_equals(row, count):
    places = likeliest(row, count)
    assert places == sorted(range(len(row)), key=lambda i: (-row[i], i))[:count]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 0},
        {"max_tokens": 1, "temperature": -0.1},
        {"max_tokens": 1, "temperature": float("nan")},
        {"max_tokens": 1, "temperature": 2.1},
        {"max_tokens": 1, "top_p": 0.0},
        {"max_tokens": 1, "top_p": 1.1},
        {"max_tokens": 1, "stop": ("",)},
        {"max_tokens": 1, "stop": ("a",) * 17},
        {"max_tokens": 1, "logprobs": 21},
        {"max_tokens": 1, "logprobs": -1},
    ],
)
def test_parameters_that_cannot_be_sampled_are_refused(wrong):
    with pytest.raises(MalformedInputError):
        SamplingParameters(**wrong)
