"""The function and a second one that was written from the page alone give the same sets: by scan, and by index."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.standard import TABLES, standard_method
from ledger.attribution.texts import folder_hash
from ledger.config import CHECKOUT
from ledger.protocol.attribution import Finder, Method, Prior, Scan, TextFile, Texts, attribute
from tests.unit.attribution.cases import Case, World, case, world
from tests.unit.attribution.naive import NaiveCorpus, NaivePrior, constants_in, naive_set, read_method

pytestmark = pytest.mark.unit

WORLDS, CASES_A_WORLD, SCANNED_A_WORLD, PARTS = 60, 36, 4, 3


@pytest.fixture(scope="module")
def naive_method():
    return read_method(TABLES, constants_in((CHECKOUT / "docs" / "spec" / "attribution.md").read_text()))


@pytest.mark.parametrize("part", range(PARTS))
def test_two_thousand_cases_have_one_answer_by_scan_by_index_and_by_hand(
    naive_method, tmp_path: Path, part: int
) -> None:
    kinds: Counter[str] = Counter()
    for number in range(part, WORLDS, PARTS):
        rng = random.Random(number)
        made = world(rng)
        method, finders = libraries(rng, made, tmp_path / str(number))
        naive = NaiveCorpus(naive_method, made.corpus)
        for position in range(CASES_A_WORLD):
            asked = case(rng, made)
            expected = naive_set(naive, asked.answers, asked.prompts, asked.admitted, asked.prior)
            for finder in [*finders, scan(made, method)] if position < SCANNED_A_WORLD else finders:
                kinds.update(agreed(asked, finder, method, expected))
        shutil.rmtree(tmp_path / str(number))
    assert kinds["cases"] * PARTS >= 3 * 2_000
    # They are of every kind.
    assert min(kinds[kind] for kind in ("text", "unlicensed", "empty")) > 60, kinds
    assert kinds["text"] < kinds["cases"] * 0.95, kinds


def agreed(asked: Case, finder: Finder, method: Method, expected: list[tuple[int, int]]) -> dict[str, bool]:
    texts = Texts(tuple(asked.answers), tuple(asked.prompts))
    ours = attribute(texts, finder, asked.admitted, prior_of(asked.prior), method)
    assert [tuple(entry) for entry in ours.entries] == expected, asked
    return {"cases": True, "text": bool(ours.weights), "unlicensed": bool(ours.unlicensed), "empty": not expected}


def libraries(rng: random.Random, made: World, folder: Path) -> tuple[Method, list[Library]]:
    """The corpus indexed at once, dataset by dataset in order of registration, and in any order."""
    datasets = []
    for asset_id, files in made.corpus:
        source = folder / "sources" / str(asset_id)
        for path, content in files:
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
        datasets.append(RegisteredDataset(asset_id, folder_hash(source), source))
    background = next(dataset for dataset in datasets if dataset.asset_id == 0)
    standard = standard_method()
    method = Method(
        replace(standard.parameters, background=background.content_hash), standard.folding, standard.surprisal
    )
    registered = sorted(dataset for dataset in datasets if dataset.asset_id)
    at_once = Library.create(folder / "at-once", method, background.folder).adding(registered[::-1])
    in_order = Library.create(folder / "in-order", method, background.folder)
    for dataset in registered:
        in_order = in_order.adding([dataset])
    shuffled = Library.create(folder / "shuffled", method, background.folder)
    rng.shuffle(registered)
    for cut in range(0, len(registered), 2):
        shuffled = shuffled.adding(registered[cut : cut + 2])
    return method, [at_once, in_order, shuffled]


def scan(made: World, method: Method) -> Scan:
    files = [
        TextFile(asset_id, path, content)
        for asset_id, files in sorted(made.corpus)
        for path, content in sorted(files, key=lambda file: file[0].encode())
    ]
    return Scan(files, method)


def prior_of(rows: NaivePrior) -> Prior:
    words = {word for *_, table in rows for word in table}
    return Prior(
        tuple(row[0] for row in rows),
        tuple(row[1] for row in rows),
        tuple(row[2] for row in rows),
        {word: tuple(table[word] for *_, table in rows) for word in words},
    )
