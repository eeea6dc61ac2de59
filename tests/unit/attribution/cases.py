"""Random and adversarial corpora, answers and prompts for the two implementations to agree on."""

from __future__ import annotations

import json
import random
import unicodedata
from dataclasses import dataclass

from tests.unit.attribution.naive import Corpus, NaivePrior

WORDS = (
    "the of and to a in is that for it was on are as with quern zymurgy oubliette Gallimaufry petrichor sonder lagniappe "
    "callipygian defenestrate éclair naïve Straße ﬁnance ½cup ΑΛΦΑ ωmega Ёлка 한국어 문장 東京 都庁 ひらがな ไทย ภาษา हिन्दी "
    "0 1 22 333 1999 x y antidisestablishmentarianism " + "w" * 70 + " " + "z" * 130
).split()
GAPS = (" ", " ", " ", " ", "\n", ", ", ". ", " — ", "\t", "  ", "\u00a0", "…", "**", "\u200b \u200d")
INVISIBLE = ("", "", "", "\u00ad", "\u200b", "\ufe0f", "\u0301", "\0")


@dataclass(frozen=True)
class World:
    """A corpus with the background as assetId 0."""

    corpus: Corpus


@dataclass(frozen=True)
class Case:
    """An answer, what was asked, and what the terms and the prior say."""

    answers: list[str]
    prompts: list[str]
    admitted: set[int]
    prior: NaivePrior


def sentence(rng: random.Random, length: int) -> str:
    return "".join(
        rng.choice(WORDS) + rng.choice(INVISIBLE) + rng.choice(GAPS if rng.random() < 0.3 else (" ",))
        for _ in range(length)
    )


def world(rng: random.Random) -> World:
    """Two to seven datasets that copy, cut and disguise each other's text, and a background."""
    pool = [sentence(rng, rng.randrange(20, 120)) for _ in range(4)]
    datasets: Corpus = [(0, [("common.txt", rng.choice(pool)[:200].encode())])]
    for asset_id in rng.sample(range(1, 40), rng.randrange(2, 8)):
        files = [file(rng, pool, number) for number in range(rng.randrange(1, 4))]
        datasets.append((asset_id, files))
    rng.shuffle(datasets)
    return World(datasets)


def file(rng: random.Random, pool: list[str], number: int) -> tuple[str, bytes]:
    texts = [piece(rng, rng.choice(pool)) if rng.random() < 0.7 else sentence(rng, 40) for _ in range(3)]
    if rng.random() < 0.3:
        return f"{number}.jsonl", "\n".join(
            json.dumps({"text": t}, ensure_ascii=rng.random() < 0.5) for t in texts
        ).encode("utf-8", "surrogatepass")
    content = (" " * rng.choice((1, 1, 1, 5000))).join(disguised(rng, text) for text in texts).encode()
    return f"part/{number}.txt", damaged(rng, content)


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Sometimes with bytes that are no UTF-8, or cut in the middle of a character."""
    if rng.random() < 0.2:
        at = rng.randrange(len(content) + 1)
        content = (
            content[:at] + rng.choice((b"\xff", b"\xe2\x82", b"\xf0\x9f", b"\xc0\xaf", b"\xed\xa0\x80")) + content[at:]
        )
    return content[: rng.randrange(1, len(content) + 1)] if rng.random() < 0.2 else content


def disguised(rng: random.Random, text: str) -> str:
    """The same words in another spelling; now and then with one word changed, or a word said over and over."""
    form = rng.choice((None, None, "NFC", "NFD", "NFKC", "NFKD"))
    text = unicodedata.normalize(form, text) if form else text
    text = rng.choice((str, str, str.upper, str.casefold))(text)
    if rng.random() < 0.2:
        return text + " 0" * 40 + " " + rng.choice(WORDS) * 3
    return text


def piece(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    start = rng.randrange(len(words))
    return " ".join(words[start : start + rng.randrange(1, 80)])


def readable(world: World) -> list[str]:
    return [content.decode(errors="replace") for _, files in world.corpus for _, content in files]


def case(rng: random.Random, world: World) -> Case:
    """An answer of quotations, disguises and words of its own; a prompt that may hold some of it."""
    texts = readable(world)
    answers = [
        rng.choice((" ", "\n")).join(
            disguised(rng, piece(rng, rng.choice(texts))) if rng.random() < 0.8 else sentence(rng, 12)
            for _ in range(rng.randrange(0, 5))
        )
        for _ in range(rng.choice((1, 1, 1, 2)))
    ]
    prompts = [piece(rng, rng.choice([*answers, *texts])) for _ in range(rng.randrange(0, 3))]
    ids = [asset_id for asset_id, _ in world.corpus if asset_id]
    admitted = set(rng.sample(ids, rng.randrange(len(ids) + 1))) | ({99} if rng.random() < 0.3 else set())
    return Case(answers, prompts, admitted, _prior(rng, [*ids, 99]))


def _prior(rng: random.Random, ids: list[int]) -> NaivePrior:
    """Of some datasets: flat, or by words, with harm too."""
    words = [word.casefold() for word in rng.sample(WORDS, 8)] if rng.random() < 0.6 else []
    return [
        (
            asset_id,
            rng.choice((1_000_000, rng.randrange(1_000_001))),
            rng.randrange(-1000, 200_000),
            {word: rng.randrange(-1_000_000, 1_000_001) for word in words},
        )
        for asset_id in rng.sample(ids, rng.randrange(len(ids) + 1))
    ]
