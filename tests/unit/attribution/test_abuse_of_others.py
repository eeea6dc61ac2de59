"""What those can take from others who would: by coming first, by crowding out, by disguise, by making work.

Figures are ppm of an answer's data share, against the whole engine.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.protocol.attribution import NO_PRIOR, Prior, Texts, attribute
from ledger.protocol.attribution.windows import Window, echoed, windows_of
from ledger.protocol.units import PPM
from tests.unit.attribution.abused_world import DATASETS, METHOD, World, passages

pytestmark = pytest.mark.unit

SQUATTER, AUTHOR = 5, 9


@pytest.fixture(scope="module")
def novel() -> str:
    return (DATASETS / "austen-pride-and-prejudice" / "text.txt").read_text()


def chain_of(source: str, size: int) -> str:
    """Text of so many characters in which every word follows the one before as it does somewhere in the source."""
    rng, words, after = random.Random(3), source.split(), defaultdict(list)
    for word, following in pairwise(words):
        after[word].append(following)
    made, length, word = [], 0, words[0]
    while length < size:
        word = rng.choice(after.get(word) or words)
        made.append(word)
        length += len(word) + 1
    return " ".join(made)


def test_making_up_likely_phrases_before_an_author_registers_takes_nothing(tmp_path: Path, novel: str) -> None:
    """From all that the author wrote before and all others wrote; of the very text, a chain ten times its length takes 5 %."""
    before, text = novel[: len(novel) // 2], novel[len(novel) // 2 :]
    others = " ".join(
        (DATASETS / name / "text.txt").read_text() for name in ("federalist-hamilton", "shakespeare-plays")
    )
    answers = passages(text, 20, 120)
    left = {}
    for name, spam in (
        ("nobody", ""), ("likely", chain_of(before + others, 3_000_000)), ("known", chain_of(text, 3_000_000)),
    ):  # fmt: skip
        world = World(tmp_path / name)
        world.register({AUTHOR: text} | ({SQUATTER: spam} if spam else {}))
        sets = [world.ask(answer).entries for answer in answers]
        left[name] = sum(entry.ppm for each in sets for entry in each if entry.asset_id == AUTHOR) // len(answers)
    assert left["likely"] == left["nobody"] > 990_000
    assert left["known"] > 0.95 * left["nobody"]


def test_crowding_others_out_of_the_set_takes_no_more_than_the_crowd_earns_and_brings_it_nothing(
    tmp_path: Path, novel: str
) -> None:
    """Fifteen datasets of one's own before everybody else's: what those had goes by the terms' weights."""
    words = novel.split()
    mine = [" ".join(words[at : at + 40]) for at in range(0, 15 * 40, 40)]
    theirs = [" ".join(words[at : at + 24]) for at in range(5_000, 5_000 + 6 * 24, 24)]
    answer = " ".join([*mine, *theirs])
    whole, split = World(tmp_path / "whole"), World(tmp_path / "split")
    author = {100 + n: text for n, text in enumerate(theirs)}
    whole.register({1: " ".join(mine)} | author)
    split.register({1 + n: text for n, text in enumerate(mine)} | author)

    def earned(world: World) -> tuple[int, int, int]:
        entries = world.ask(answer).entries
        crowd = sum(entry.ppm for entry in entries if 0 < entry.asset_id < 100)
        return crowd, sum(entry.ppm for entry in entries if entry.asset_id >= 100), world.ask(answer).entries[0].ppm

    (in_one, others_before, _), (in_pieces, others_after, by_terms) = earned(whole), earned(split)
    assert others_before > 150_000
    assert others_after == 0
    assert in_pieces <= in_one
    assert others_before - others_after <= in_pieces
    assert by_terms >= others_before  # the adapter's owner has it, who chose which datasets to admit


def test_one_who_is_crowded_out_had_at_most_a_sixteenth() -> None:
    rng = random.Random(2)
    for _ in range(200):
        shares = [rng.randrange(1, 1_000) for _ in range(rng.randrange(17, 60))]
        flat = {n + 1: PPM * share // sum(shares) for n, share in enumerate(shares)}
        kept = attribute(Texts(("word",), ()), Nothing(), list(flat), Prior.flat(flat), METHOD).entries
        named = {entry.asset_id for entry in kept}
        assert all(ppm <= PPM // 16 for dataset, ppm in flat.items() if dataset not in named)


class Nothing:
    """Nobody registered anything."""

    def first(self, units: object, windows: list[Window]) -> list[None]:
        return [None] * len(windows)


def test_an_operator_that_disguises_its_answers_keeps_what_their_words_would_have_earned(
    tmp_path: Path, novel: str
) -> None:
    """All of it. The payer sees letters of two scripts in one word, or words that nobody can search for."""
    world, answers = World(tmp_path), passages(novel[:60_000], 5, 100)
    world.register({AUTHOR: novel[:60_000]})
    disguise = str.maketrans("aeo", "\u0430\u0435\u043e")
    for answer in answers:
        assert sum(entry.ppm for entry in world.ask(answer).entries if entry.asset_id == AUTHOR) > 900_000
        assert world.ask(answer.translate(disguise)).entries == ()
        # The same letters in other forms are no disguise.
        wide = answer.translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)}).upper()
        assert world.ask(wide).entries == world.ask(answer).entries


def test_a_prompt_and_an_answer_that_are_made_for_it_take_no_more_than_time_for_each_of_their_words(novel: str) -> None:
    """The longest prompt that a gateway reads has all the words of an answer in another order, over and over."""
    answer = METHOD.folding.units(" ".join(novel.split()[:6_000]))
    windows = windows_of(answer, METHOD)
    rng, prompt = random.Random(1), list(answer)
    while len(prompt) < 700_000:
        prompt += rng.sample(answer, len(answer))
    began = time.process_time()
    assert len(echoed(windows, answer, [prompt])) == len({at for s, n in windows for at in range(s, s + n)})
    assert time.process_time() - began < 10
    shuffled = rng.sample(answer, len(answer))
    assert echoed(windows, answer, [shuffled]) == by_looking(windows, answer, shuffled)


def by_looking(windows: list[Window], units: list[str], prompt: list[str]) -> set[int]:
    text = f" {' '.join(prompt)} "
    said = [window for window in windows if f" {' '.join(units[window.start : window.start + window.length])} " in text]
    return {at for start, length in said for at in range(start, start + length)}


def test_an_adapter_whose_terms_admit_nobody_pays_nobody_by_text(tmp_path: Path, novel: str) -> None:
    """And the passages are kept as evidence, all of them."""
    world, (answer,) = World(tmp_path), passages(novel[:60_000], 1, 100)
    world.register({AUTHOR: novel[:60_000]})
    found = attribute(Texts((answer,), ()), world.library, [], NO_PRIOR, METHOD)
    assert found.entries == ()
    assert sum(span.millibits for span in found.unlicensed) == found.weights[AUTHOR] > 0.9 * found.total
