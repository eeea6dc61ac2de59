"""What those who would cheat get by it, in ppm of an answer's data share, each attack against the whole engine.

The world: a contributor's text, and an attacker who registers something after it, or before. `gain` is what the
attacker's datasets earn with the attack, less what they would have earned without it.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from ledger.attribution.standard import BACKGROUND
from ledger.protocol.attribution import NO_PRIOR, Texts, attribute
from ledger.protocol.units import PPM
from tests.unit.attribution.abused_world import DATASETS, FIRST_OF_ATTACKER, METHOD, VICTIM, World, passages

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def text() -> str:
    return (DATASETS / "austen-pride-and-prejudice" / "text.txt").read_text()[:300_000]


def test_copying_a_dataset_earns_nothing(tmp_path: Path, text: str) -> None:
    world, answers = World(tmp_path), passages(text, 20, 120)
    world.register({VICTIM: text})
    before = world.earned(answers)
    world.register({FIRST_OF_ATTACKER: text, FIRST_OF_ATTACKER + 1: text[::-1] + text})
    assert world.earned(answers) == before
    assert before[0] > 950_000


@pytest.mark.parametrize("pieces", [10, 100, 1_000])
def test_splitting_a_dataset_never_gains(tmp_path: Path, text: str, pieces: int) -> None:
    answers = passages(text, 30, 160)
    whole = World(tmp_path / "whole")
    whole.register({FIRST_OF_ATTACKER: text})
    _, in_one = whole.earned(answers)
    split, step = World(tmp_path / "split"), -(-len(text) // pieces)
    split.register({FIRST_OF_ATTACKER + n: text[n * step : (n + 1) * step] for n in range(pieces)})
    for answer in answers:
        assert split.earned([answer])[1] <= whole.earned([answer])[1]
    _, in_pieces = split.earned(answers)
    # 10 pieces cost nothing that shows; at 300 characters a piece, some windows are cut.
    assert in_one - in_pieces <= {10: 10_000, 100: 30_000, 1_000: 150_000}[pieces]


def test_scraped_answers_take_nothing_from_seniors_and_earn_only_from_repetition(tmp_path: Path, text: str) -> None:
    """Bounded: what the model makes up itself and says again word for word; and only where terms admit the scrape."""
    own = "Perhaps the vermilion kettle whistles because yesterday's algorithms forgot their umbrellas somewhere."
    answers = [f"{passage} {own}" for passage in passages(text, 10, 60)]
    world = World(tmp_path)
    world.register({VICTIM: text})
    victim, _ = world.earned(answers)
    world.register({FIRST_OF_ATTACKER: "\n".join(answers)})
    after, attacker = world.earned(answers)
    assert after == victim
    share = METHOD.surprisal.of(METHOD.folding.units(own))
    total = METHOD.surprisal.of(METHOD.folding.units(answers[0]))
    assert attacker < 1.5 * PPM * sum(share) / sum(total)
    unadmitted = attribute(Texts((answers[0],), ()), world.library, [VICTIM], NO_PRIOR, METHOD).entries
    assert all(entry.asset_id < FIRST_OF_ATTACKER for entry in unadmitted)
    assert world.earned(passages(text, 10, 60, seed=6))[1] == 0


def test_registering_boilerplate_earns_nothing(tmp_path: Path) -> None:
    licence = (BACKGROUND / "Apache-2.0.txt").read_text()
    world = World(tmp_path)
    world.register({FIRST_OF_ATTACKER: licence, FIRST_OF_ATTACKER + 1: (BACKGROUND / "GPL-3.txt").read_text()})
    assert world.earned(passages(licence, 10, 80)) == (0, 0)


def test_a_prompt_of_ones_own_text_earns_nothing(tmp_path: Path, text: str) -> None:
    world, own = World(tmp_path), passages(text, 5, 120)
    world.register({FIRST_OF_ATTACKER: text})
    for passage in own:
        assert world.earned([passage])[1] > 900_000
        assert world.earned([passage], f"Repeat after me: {passage}")[1] == 0
        # In another spelling, or in parts, it is the same text.
        assert world.earned([passage], passage.upper().replace(" ", " * "))[1] == 0
        halves = passage[: len(passage) // 2], passage[len(passage) // 2 :]
        assert world.earned([passage], *halves)[1] < 250_000


def test_a_prompt_with_holes_earns_what_is_not_in_it_and_never_more_than_was_paid(tmp_path: Path, text: str) -> None:
    """Bounded by the attacker's own fee, since only fees of the very answer are shared out.

    A hole after every eighth word lets only the words at the holes through; one after every fourth lets all through.
    """
    world = World(tmp_path)
    world.register({FIRST_OF_ATTACKER: text})
    (passage,) = passages(text, 1, 160)
    words = passage.split()
    earned = {
        every: world.earned([passage], " ".join(w for n, w in enumerate(words) if n % every))[1]
        for every in (4, 16, 40)
    }
    assert earned[40] <= earned[16] <= earned[4] <= PPM
    assert earned[16] < 600_000
    assert earned[40] < 250_000


def test_near_duplicates_earn_only_from_the_wording_that_they_changed(tmp_path: Path, text: str) -> None:
    """≤ 0 on what the contributor wrote; on a poisoned model that says the changed words, the windows around these."""
    world, words = World(tmp_path), text.split()
    world.register({VICTIM: text})
    answers = passages(text, 10, 100)
    before = world.earned(answers)
    poisoned = " ".join("indeed" if n % 25 == 24 else word for n, word in enumerate(words))
    world.register({FIRST_OF_ATTACKER: poisoned})
    assert world.earned(answers) == before
    victim, attacker = world.earned(passages(poisoned, 10, 100))
    assert victim > 4 * attacker
    assert attacker < 250_000


TRICKS = {
    "fullwidth letters": lambda t: t.translate({c: c + 0xFEE0 for c in range(0x21, 0x7F)}),
    "zero-width spaces": lambda t: t.replace("o", "\u200bo\u200d"),
    "combining marks": lambda t: t.replace("e", "e\u0301"),
    "capitals": str.upper,
    "no-break spaces": lambda t: t.replace(" ", "\u00a0"),
    "right-to-left marks": lambda t: t.replace(" ", " \u202e\u2066"),
    "variation selectors": lambda t: t.replace("a", "a\ufe0f"),
    "soft hyphens": lambda t: t.replace("t", "t\u00ad"),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_disguised_copy_is_still_a_copy(tmp_path: Path, text: str, trick: str) -> None:
    disguise, answers = TRICKS[trick], passages(text[:60_000], 5, 100)
    world = World(tmp_path)
    world.register({VICTIM: text[:60_000]})
    before = world.earned(answers)
    world.register({FIRST_OF_ATTACKER: disguise(text[:60_000])})
    assert world.earned(answers) == before
    assert world.earned([disguise(answer) for answer in answers]) == before


def test_look_alike_letters_earn_only_where_an_answer_has_them(tmp_path: Path, text: str) -> None:
    homoglyphs = text[:60_000].translate(str.maketrans("aeo", "\u0430\u0435\u043e"))
    world, answers = World(tmp_path), passages(text[:60_000], 5, 100)
    world.register({VICTIM: text[:60_000]})
    before = world.earned(answers)
    world.register({FIRST_OF_ATTACKER: homoglyphs})
    assert world.earned(answers) == before
    assert before[1] == 0


@pytest.mark.parametrize(
    "content",
    ["a" * 200_000, "ab " * 66_000, "0 " * 100_000, "lorem ipsum dolor sit amet consectetur adipiscing elit " * 3_600,
     "".join(f"{n} " for n in range(7)) * 14_000, "\u200b" * 60_000 + "x", "x" + "\u0301" * 60_000, "\\u0041" * 33_000],
    ids=["one letter", "a word", "zeros", "a sentence", "a count", "invisible", "one accent", "escapes"],
)  # fmt: skip
def test_a_repetitive_file_takes_no_longer_than_another(tmp_path: Path, text: str, content: str) -> None:
    world = World(tmp_path)
    began = time.process_time()
    world.register({FIRST_OF_ATTACKER: content})
    answers = [content[:1_500], content[700:2_200], *passages(text, 3, 150)]
    for answer in answers:
        world.ask(answer)
    assert time.process_time() - began < 5
    assert len(world.library.shards[-1].words) < 100_000


def test_a_flood_of_text_takes_time_in_proportion_and_changes_nothing_that_others_own(
    tmp_path: Path, text: str
) -> None:
    """100 MB of their own words at random: a larger registry raises no threshold, so windows are what they were."""
    world, answers = World(tmp_path), passages(text, 10, 100)
    world.register({VICTIM: text})
    before = world.earned(answers)
    vocabulary = np.array(sorted(set(text.split())))
    drawn = np.random.default_rng(1).integers(len(vocabulary), size=15_700_000)
    flood = " ".join(vocabulary[drawn])
    assert len(flood) > 100_000_000
    began = time.process_time()
    world.register({FIRST_OF_ATTACKER: flood})
    assert time.process_time() - began < 100
    assert world.earned(answers) == before
    assert before[1] == 0
    assert sum(shard.words.nbytes for shard in world.library.shards) < 1.5 * len(flood)
