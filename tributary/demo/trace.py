"""What is asked: arrival order and lengths from a real trace, words from the shipped texts, adapters by Zipf.

The trace is a slice of the Azure LLM inference trace 2023 (conversation); it holds lengths only, made for far larger
models, so both lengths are divided by LENGTH_FACTOR. Which adapter a request names, and who pays, is not in any public
trace: both are drawn here, with a fixed seed.
"""

from __future__ import annotations

import csv
import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.config import CHECKOUT
from ledger.errors import MalformedInputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tributary.demo.cast import Actor

TRACE = CHECKOUT / "data" / "azure_conv_slice.csv"
LENGTH_FACTOR = 16
ZIPF_EXPONENT = 1.1
SEED = 1729
CHARACTERS_PER_TOKEN = 3
LONGEST_PROMPT_TOKENS = 300


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One request to come: who pays, which model, what is asked, how long the answer may get."""

    payer: Actor
    model: str
    prompt: str
    max_tokens: int
    stream: bool


def read_lengths(count: int, path: Path = TRACE) -> list[tuple[int, int]]:
    """(prompt tokens, completion tokens) of the trace's first `count` rows, divided by LENGTH_FACTOR.

    Raises:
        UsageError: the shipped slice has fewer rows.
        MalformedInputError: a row is not a row of the trace.
    """
    try:
        with path.open(newline="") as file:
            rows = list(itertools.islice(csv.DictReader(file), count))
        lengths = [(int(row["ContextTokens"]), int(row["GeneratedTokens"])) for row in rows]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise MalformedInputError(f"{path} is not a slice of the Azure trace.") from error
    if len(lengths) < count:
        raise UsageError(f"The shipped trace has {len(lengths)} requests; ask for no more than that.")
    return [(max(1, p // LENGTH_FACTOR), max(1, c // LENGTH_FACTOR)) for p, c in lengths]


def draw(
    lengths: Sequence[tuple[int, int]], models: Sequence[str], payers: Sequence[Actor], texts: Sequence[str]
) -> list[Inquiry]:
    """One inquiry a length, in arrival order; the same for the same input.

    `models` stand with the most wanted first: the n-th has weight 1 / n^ZIPF_EXPONENT.
    """
    rng = random.Random(SEED)  # noqa: S311  a replay must repeat, it guards nothing
    weights = [1 / (rank + 1) ** ZIPF_EXPONENT for rank in range(len(models))]
    return [
        Inquiry(
            payer=rng.choice(payers),
            model=rng.choices(models, weights)[0],
            prompt=_cut(rng, rng.choice(texts), min(prompt_tokens, LONGEST_PROMPT_TOKENS)),
            max_tokens=completion_tokens,
            stream=rng.random() < 0.5,
        )
        for prompt_tokens, completion_tokens in lengths
    ]


def _cut(rng: random.Random, text: str, tokens: int) -> str:
    """About `tokens` tokens of the text, from the beginning of a word."""
    length = tokens * CHARACTERS_PER_TOKEN
    start = rng.randrange(max(1, len(text) - length))
    return text[start : start + length].partition(" ")[2].strip() or text[:length]


def shipped_texts(models: Path) -> list[str]:
    """The texts of the shipped datasets, in the order of their folders."""
    return [file.read_text() for file in sorted(models.glob("datasets/*/*.txt"))]
