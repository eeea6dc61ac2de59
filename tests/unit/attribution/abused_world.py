"""A library with a victim's text, to which an attacker adds: what abuse tests stand on."""

from __future__ import annotations

import random
from pathlib import Path

from ledger.attribution.library import Library, RegisteredDataset
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.attribution.texts import folder_hash
from ledger.config import CHECKOUT
from ledger.protocol.attribution import NO_PRIOR, Attribution, Texts, attribute

METHOD = standard_method()
DATASETS = CHECKOUT / "models" / "datasets"
VICTIM, FIRST_OF_ATTACKER = 1, 1_000


class World:
    """A library with the victim's text, to which an attacker adds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = Library.create(folder / "library", METHOD, BACKGROUND)

    def register(self, texts: dict[int, str]) -> None:
        added = []
        for asset_id, content in texts.items():
            source = self.folder / f"source-{asset_id}"
            source.mkdir()
            (source / "text.txt").write_text(content)
            added.append(RegisteredDataset(asset_id, folder_hash(source), source))
        self.library = self.library.adding(added)

    def ask(self, answer: str, *prompts: str) -> Attribution:
        admitted = [entry.asset_id for entry in self.library.corpus]
        return attribute(Texts((answer,), prompts), self.library, admitted, NO_PRIOR, METHOD)

    def earned(self, answers: list[str], *prompts: str) -> tuple[int, int]:
        """Mean ppm of the victim and of the attacker's datasets together."""
        sets = [self.ask(answer, *prompts).entries for answer in answers]
        victim = sum(entry.ppm for each in sets for entry in each if entry.asset_id == VICTIM)
        attacker = sum(entry.ppm for each in sets for entry in each if entry.asset_id >= FIRST_OF_ATTACKER)
        return victim // len(answers), attacker // len(answers)


def passages(text: str, count: int, words: int, seed: int = 5) -> list[str]:
    rng, said = random.Random(seed), text.split()
    starts = [rng.randrange(len(said) - words) for _ in range(count)]
    return [" ".join(said[at : at + words]) for at in starts]
