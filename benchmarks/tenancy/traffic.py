"""What is asked: lengths from the Azure trace, words from the shipped texts, adapters by Zipf's law.

No public trace names adapters, so which one a request wants is drawn: the n-th most popular with weight 1 / n. Prompts
are the trace's divided by PROMPT_FACTOR, answers by ANSWER_FACTOR, both bounded to fit the shipped model's context.
"""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from ledger.config import CHECKOUT
from serving.engine.tokenizer import Tokenizer

TRACE = CHECKOUT / "data" / "azure_conv_slice.csv"
TEXTS = CHECKOUT / "models" / "datasets"
PROMPT_FACTOR, ANSWER_FACTOR = 16, 4
LONGEST_PROMPT, LONGEST_ANSWER = 256, 200
SEED = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: which adapter (by popularity, 0 first), the prompt, how many tokens, the seed of its draws."""

    adapter: int
    prompt_ids: list[int]
    tokens: int
    seed: int


def popularity(count: int) -> list[float]:
    """Each adapter's share of the requests, the most popular first."""
    weights = [1 / (rank + 1) for rank in range(count)]
    total = sum(weights)
    return [weight / total for weight in weights]


def traffic(tokenizer: Tokenizer, adapters: int, requests: int) -> list[Ask]:
    """So many requests in the trace's order; the same for the same input."""
    drawing = random.Random(SEED)
    ids = tokenizer.encode("".join(file.read_text()[:200_000] for file in sorted(TEXTS.glob("*/*.txt"))))
    wanted = drawing.choices(range(adapters), popularity(adapters), k=requests)
    return [
        Ask(adapter, _cut(drawing, ids, prompt), answer, drawing.randrange(1 << 32))
        for adapter, (prompt, answer) in zip(wanted, islice(cycle(_lengths(TRACE)), requests), strict=True)
    ]


def _lengths(trace: Path) -> list[tuple[int, int]]:
    with trace.open(newline="") as file:
        return [
            (
                min(LONGEST_PROMPT, max(1, int(row["ContextTokens"]) // PROMPT_FACTOR)),
                min(LONGEST_ANSWER, max(1, int(row["GeneratedTokens"]) // ANSWER_FACTOR)),
            )
            for row in csv.DictReader(file)
        ]


def _cut(drawing: random.Random, ids: Sequence[int], length: int) -> list[int]:
    start = drawing.randrange(len(ids) - length)
    return list(ids[start : start + length])
