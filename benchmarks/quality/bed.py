"""The test bed: twelve contributors cut from the shipped texts, and answers of which we know what they hold.

Everything follows from the texts and fixed seeds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from scripts.training.corpus import read_split, work_named

if TYPE_CHECKING:
    from pathlib import Path

PARTS = (
    ("federalist-hamilton", 3),
    ("federalist-madison", 2),
    ("federalist-jay", 1),
    ("bierce-devils-dictionary", 3),
    ("austen-pride-and-prejudice", 1),
    ("shakespeare-plays", 2),
)
CHUNK_TOKENS = 64
QUOTED_TOKENS = 33
ANSWER_SEED = 5
SUBSET_SEED = 11


@dataclass(frozen=True)
class Contributor:
    """One registered dataset of the bed.

    Attributes:
        work: the shipped text that it is a part of.
        chunks: what it trains on, 65 tokens each.
        asked: held-out text of its author that answers are cut from.
        known: other held-out text of its author, for the prior.
    """

    name: str
    work: str
    chunks: tuple[tuple[int, ...], ...]
    asked: tuple[int, ...]
    known: str


@dataclass(frozen=True)
class Answer:
    """An answer: `quoted` holds 33 tokens of a chunk of its contributor, else it is unseen text of that author."""

    contributor: int
    quoted: bool
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Bed:
    tokenizer: Tokenizer
    contributors: tuple[Contributor, ...]
    answers: tuple[Answer, ...]
    subsets: tuple[tuple[int, ...], ...]


def build_bed(models: Path, chunks: int, answers_each: int, subsets: int) -> Bed:
    """The bed with so many chunks a contributor, answers a contributor and kind, and random halves of the contributors."""
    tokenizer = Tokenizer.from_file(str(models / "base" / "tokenizer.json"))
    contributors = tuple(c for work, parts in PARTS for c in _contributors(tokenizer, models, work, parts, chunks))
    generator = random.Random(SUBSET_SEED)
    halves = tuple(
        tuple(sorted(generator.sample(range(len(contributors)), len(contributors) // 2))) for _ in range(subsets)
    )
    return Bed(tokenizer, contributors, tuple(_answers(contributors, answers_each)), halves)


def _contributors(tokenizer: Tokenizer, models: Path, work: str, parts: int, chunks: int) -> list[Contributor]:
    split = read_split(work_named(work), models / "datasets")
    held = "\n\n".join(split.held_out)
    middle = held.find(" ", len(held) // 2)
    asked = tuple(tokenizer.encode(held[middle:]).ids)
    made = []
    for part in range(parts):
        blocks = split.train[len(split.train) * part // parts : len(split.train) * (part + 1) // parts]
        ids = tokenizer.encode("\n\n".join(blocks)).ids
        starts = [(len(ids) - CHUNK_TOKENS - 2) * i // max(1, chunks - 1) for i in range(chunks)]
        cut = tuple(tuple(ids[start : start + CHUNK_TOKENS + 1]) for start in starts)
        made.append(Contributor(f"{work}-{part + 1}", work, cut, asked, held[:middle]))
    return made


def _answers(contributors: tuple[Contributor, ...], each: int) -> list[Answer]:
    generator = random.Random(ANSWER_SEED)
    found = []
    for number, contributor in enumerate(contributors):
        for _ in range(each):
            other = generator.choice(contributors).asked
            at = generator.randrange(len(other) - CHUNK_TOKENS)
            chunk = generator.choice(contributor.chunks)
            start = generator.randrange(len(chunk) - QUOTED_TOKENS)
            quote = chunk[start : start + QUOTED_TOKENS]
            found.append(Answer(number, True, (*other[at : at + 16], *quote, *other[at + 16 : at + 32])))
            at = generator.randrange(len(contributor.asked) - CHUNK_TOKENS - 1)
            found.append(Answer(number, False, contributor.asked[at : at + CHUNK_TOKENS + 1]))
    return found
