"""The function and a second one that was written from the page alone give the same sets."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ledger.attribution.standard import TABLES, standard_method
from ledger.config import CHECKOUT
from ledger.protocol.attribution import Prior, Scan, TextFile, Texts, attribute
from tests.unit.attribution.cases import case, world
from tests.unit.attribution.naive import NaiveCorpus, NaivePrior, constants_in, naive_set, read_method

pytestmark = pytest.mark.unit

WORLDS, CASES_A_WORLD = 60, 8


@pytest.fixture(scope="module")
def naive_method():
    return read_method(TABLES, constants_in((CHECKOUT / "docs" / "spec" / "attribution.md").read_text()))


def test_a_scan_and_the_naive_implementation_agree_on_every_case(naive_method) -> None:
    method, kinds = standard_method(), Counter()
    for number in range(WORLDS):
        rng = random.Random(number)
        made = world(rng)
        files = [
            TextFile(asset_id, path, content)
            for asset_id, files in sorted(made.corpus)
            for path, content in sorted(files, key=lambda file: file[0].encode())
        ]
        naive = NaiveCorpus(naive_method, made.corpus)
        for _ in range(CASES_A_WORLD):
            asked = case(rng, made)
            texts = Texts(tuple(asked.answers), tuple(asked.prompts))
            ours = attribute(texts, Scan(files, method), asked.admitted, prior_of(asked.prior), method)
            theirs = naive_set(naive, asked.answers, asked.prompts, asked.admitted, asked.prior)
            assert [tuple(entry) for entry in ours.entries] == theirs, (number, asked)
            kinds.update({"text": bool(ours.weights), "unlicensed": bool(ours.unlicensed), "empty": not theirs})
    # The cases are of every kind.
    assert min(kinds[kind] for kind in ("text", "unlicensed", "empty")) > 20, kinds


def prior_of(rows: NaivePrior) -> Prior:
    words = {word for *_, table in rows for word in table}
    return Prior(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        tuple(row[2] for row in rows),
        {word: tuple(table[word] for *_, table in rows) for word in words},
    )
