"""Drawing the next token from a row of logits."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.engine.request import SamplingParameters
from serving.engine.tensors import Float32Array

_UNIFORM_STEP = 2.0**-53


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1) that depends on nothing but the seed (mod 2^64) and the position in the answer.

    The first 53 bits of BLAKE2b-64 over both as little-endian u64, so that what else is in the batch, and in which
    order, never changes a draw.
    """
    message = (seed % 2**64).to_bytes(8, "little") + position.to_bytes(8, "little")
    return (int.from_bytes(hashlib.blake2b(message, digest_size=8).digest(), "little") >> 11) * _UNIFORM_STEP


def draw(logits: Float32Array, parameters: SamplingParameters, seed: int, position: int) -> int:
    """The token id drawn from one row of logits, (vocabulary,)."""
    if parameters.temperature == 0.0:
        return int(logits.argmax())
    return _draw(_probabilities(logits, parameters.temperature), parameters.top_p, uniform(seed, position))


def log_probabilities(logits: Float32Array) -> NDArray[np.float64]:
    """Natural logarithms of the untempered distribution, (vocabulary,)."""
    shifted = logits.astype(np.float64) - logits.max()
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result


def likeliest(values: NDArray[Any], count: int) -> list[int]:
    """The places of the `count` greatest values, greatest first, the lower place first among equals."""
    return [int(i) for i in np.argsort(-values, kind="stable")[:count]]


def _probabilities(logits: Float32Array, temperature: float) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # a tiny temperature sends all but the likeliest to exp(-infinity) = 0
        weights = np.exp((logits.astype(np.float64) - logits.max()) / temperature)
    result: NDArray[np.float64] = weights / weights.sum()
    return result


def _draw(probabilities: NDArray[np.float64], top_p: float, point: float) -> int:
    """The token at `point` of the distribution cut to its likeliest tokens that reach `top_p`."""
    if top_p == 1.0:
        return _place(np.cumsum(probabilities), point)
    # All tokens rarer than this together stay below 1 - top_p, so none of them is needed to reach top_p.
    rarest = min((1.0 - top_p) / len(probabilities), probabilities.max())
    candidates = np.flatnonzero(probabilities >= rarest)
    order = candidates[np.argsort(-probabilities[candidates], kind="stable")]
    nucleus = order[: int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1]
    # In order of id, so that two tokens of nearly equal probability change nothing by changing places.
    nucleus.sort()
    return int(nucleus[_place(np.cumsum(probabilities[nucleus]), point)])


def _place(running: NDArray[np.float64], point: float) -> int:
    """The first place whose running sum exceeds `point` of the total."""
    return min(int(np.searchsorted(running, point * running[-1], side="right")), len(running) - 1)
