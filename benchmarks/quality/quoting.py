"""Does text name the dataset that an answer quotes? Every shipped text in turn, registered after all others.

That is the worst place: whoever is senior takes every window that it holds too.
"""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.quality.datasets import registered
from ledger.attribution.library import Library
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.protocol.attribution import NO_PRIOR, Texts, attribute
from scripts.training.corpus import WORKS, Split, read_split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUOTED_PART = 0.7
ANSWER_WORDS = 200
SHORTEST_QUOTE, LONGEST_QUOTE = 5, 40
SEED = 7


@dataclass(frozen=True)
class Quoting:
    """What came of the answers: shares of answers, and ppm of answers on average."""

    answers: int
    top1: float
    target_ppm: float
    leakage_ppm: float
    unseen_ppm: float
    """Held-out text that nobody registered: what datasets get of it all the same."""


def quoting(models: Path, answers_each: int) -> Quoting:
    """Answers that quote 70 % of their words from one text, for every text; and held-out text of every author."""
    right, target, leaked, unseen, count = 0, 0, 0, 0, 0
    texts = {work.name: read_split(work, models / "datasets") for work in WORKS}
    with tempfile.TemporaryDirectory() as folder:
        for number, name in enumerate(texts):
            library, last = _library(Path(folder) / name, name, texts), len(texts)
            generator = random.Random(SEED + number)
            for _ in range(answers_each):
                shares = _shares(library, _answer(generator, name, texts))
                mine = shares.pop(last, 0)
                right += mine > max(shares.values(), default=0)
                target, leaked, count = target + mine, leaked + sum(shares.values()), count + 1
                held = _passage(generator, texts[name].held_out, ANSWER_WORDS)
                unseen += sum(_shares(library, " ".join(held)).values())
    return Quoting(count, right / count, target / count, leaked / count, unseen / count)


def _library(folder: Path, last: str, texts: Mapping[str, Split]) -> Library:
    """All texts, `last` registered after the others; what was held out of training is not registered."""
    order = [name for name in texts if name != last] + [last]
    datasets = registered(folder / "datasets", ["\n\n".join(texts[name].train) for name in order])
    return Library.create(folder / "library", standard_method(), BACKGROUND).adding(datasets)


def _shares(library: Library, answer: str) -> dict[int, int]:
    admitted = [entry.asset_id for entry in library.corpus]
    found = attribute(Texts((answer,), ()), library, admitted, NO_PRIOR, standard_method())
    return {asset_id: ppm for asset_id, ppm in found.entries if asset_id}


def _answer(generator: random.Random, name: str, texts: Mapping[str, Split]) -> str:
    """Runs of words of one text between words drawn one by one from all of them."""
    words: list[str] = []
    while len(words) < ANSWER_WORDS:
        run = generator.randint(SHORTEST_QUOTE, LONGEST_QUOTE)
        words += _passage(generator, texts[name].train, run)
        for _ in range(round(run * (1 - QUOTED_PART) / QUOTED_PART)):
            words += _passage(generator, generator.choice(list(texts.values())).held_out, 1)
    return " ".join(words)


def _passage(generator: random.Random, blocks: Sequence[str], length: int) -> list[str]:
    words = generator.choice(blocks).split()
    start = generator.randrange(max(1, len(words) - length))
    return words[start : start + length]
