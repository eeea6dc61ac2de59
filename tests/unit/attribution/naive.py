"""A second implementation of `attr/1`, written from docs/spec/attribution.md alone: no index, no library, no hurry.

It shares no line with the first one. Where the two differ, one of them, or the page, is wrong.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

HANGUL_FIRST, HANGUL_LAST = 0xAC00, 0xD7A3


class NaiveMethod:
    """The constants, and the two tables as their files say."""

    def __init__(self, constants: dict[str, int], fold_table: str, surprisal_table: str) -> None:
        self.constants = constants
        self.fold: dict[int, str] = {}
        alone: set[int] = set()
        later: list[tuple[int, list[int]]] = []
        for line in fold_table.split("\n")[1:-1]:
            kind, numbers = line[0], [int(word, 16) for word in line[2:].split()]
            if kind == ">":
                later.append((numbers[0], numbers[1:]))
            else:
                for number in range(numbers[0], numbers[-1] + 1):
                    self.fold[number] = {"=": chr(number), "!": f" {chr(number)} ", "-": ""}[kind]
                    if kind == "!":
                        alone.add(number)
        for code_point, targets in later:
            self.fold[code_point] = "".join(self.fold.get(target, " ") for target in targets)
        self.bits: dict[str, int] = {}
        for line in surprisal_table.split("\n")[1:-1]:
            number, *words = line.split(" ")
            for word in words:
                self.bits[word] = int(number)

    def folded(self, code_point: int) -> str:
        if HANGUL_FIRST <= code_point <= HANGUL_LAST:
            lead, rest = divmod(code_point - HANGUL_FIRST, 21 * 28)
            vowel, tail = divmod(rest, 28)
            letters = [0x1100 + lead, 0x1161 + vowel] + ([0x11A7 + tail] if tail else [])
            return "".join(self.fold.get(letter, " ") for letter in letters)
        return self.fold.get(code_point, " ")

    def units(self, code_points: list[tuple[int, int, int]]) -> list[tuple[str, int, int]]:
        """Units with first and last byte of (code point, first byte, byte after it) triples."""
        units: list[tuple[str, int, int]] = []
        word, start, end = "", 0, 0
        for code_point, first, after in [*code_points, (0x20, 0, 0)]:
            for letter in self.folded(code_point):
                if letter != " " and not word:
                    start = first
                if letter != " ":
                    word, end = word + letter, after
                if word and (letter == " " or len(word) == 64):
                    units.append((word, start, end))
                    word = ""
        return units

    def units_of_text(self, text: str) -> list[str]:
        return [unit for unit, _, _ in self.units([(ord(character), 0, 0) for character in text])]

    def units_of_file(self, path: str, content: bytes) -> list[tuple[str, int, int]]:
        if path.endswith((".json", ".jsonl", ".ndjson")):
            content = unescaped(content)
        return self.units(code_points_of(content))

    def surprisal(self, unit: str) -> int:
        c = self.constants
        if unit in self.bits:
            return self.bits[unit]
        return min(c["most_millibits"], c["unknown_millibits_per_character"] * len(unit))

    def window_at(self, units: list[str], start: int) -> list[str] | None:
        for length in range(1, self.constants["window_units"] + 1):
            window = units[start : start + length]
            if len(window) < length:
                return None
            if sum(self.surprisal(unit) for unit in set(window)) >= self.constants["window_millibits"]:
                return window
        return None


def unescaped(content: bytes) -> bytes:
    """JSON escapes as what they stand for, with NULs to the old length; other escapes as two spaces."""
    result, at = b"", 0
    while at < len(content):
        if content[at] != 0x5C or at + 1 == len(content):
            result, at = result + content[at : at + 1], at + 1
        elif content[at + 1 : at + 2] != b"u":
            result, at = result + b"  ", at + 2
        elif not re.fullmatch(rb"[0-9a-fA-F]{4}", content[at + 2 : at + 6]):
            result, at = result + b"\\", at + 1
        else:
            code, size = int(content[at + 2 : at + 6], 16), 6
            following = re.fullmatch(rb"\\u([dD][c-fC-F][0-9a-fA-F]{2})", content[at + 6 : at + 12])
            if 0xD800 <= code < 0xDC00 and following:
                code, size = 0x10000 + ((code - 0xD800) << 10) + int(following[1], 16) - 0xDC00, 12
            letter = " " if 0xD800 <= code < 0xE000 else chr(code)
            result, at = result + letter.encode().ljust(size, b"\0"), at + size
    return result


def code_points_of(content: bytes) -> list[tuple[int, int, int]]:
    """Code points with their bytes; a byte that belongs to no well-formed character is a separator."""
    found: list[tuple[int, int, int]] = []
    at = 0
    while at < len(content):
        for size in (1, 2, 3, 4):
            try:
                found.append((ord(content[at : at + size].decode()), at, at + size))
                break
            except (UnicodeDecodeError, TypeError):
                continue
        else:
            size = 1
            found.append((0x20, at, at + 1))
        at += size
    return found


NaivePrior = list[tuple[int, int, int, dict[str, int]]]
"""(assetId, most ppm, weight of other words, weights by word) of each dataset."""

Corpus = list[tuple[int, list[tuple[str, bytes]]]]
"""(assetId, files) of every dataset, the background as 0, in any order."""


class NaiveCorpus:
    """Every dataset's text, each time read from its first byte to its last."""

    def __init__(self, method: NaiveMethod, corpus: Corpus) -> None:
        self.method = method
        self.files = [
            (asset_id, method.units_of_file(path, content))
            for asset_id, files in sorted(corpus, key=lambda dataset: dataset[0])
            for path, content in sorted(files, key=lambda file: file[0].encode())
        ]
        self.texts = [" " + " ".join(unit for unit, _, _ in units) + " " for _, units in self.files]

    def owner(self, window: list[str]) -> int | None:
        """The least assetId that holds the window; None where none does."""
        wanted = " " + " ".join(window) + " "
        for (asset_id, units), text in zip(self.files, self.texts, strict=True):
            at = text.find(wanted)
            while at >= 0:
                first = text.count(" ", 0, at)
                spread = units[first + len(window) - 1][2] - units[first][1]
                if spread <= self.method.constants["window_bytes"]:
                    return asset_id
                at = text.find(wanted, at + 1)
        return None


def naive_set(
    corpus: NaiveCorpus, answers: list[str], prompts: list[str], admitted: set[int], prior: NaivePrior
) -> list[tuple[int, int]]:
    """The attribution set as (assetId, ppm) pairs."""
    method = corpus.method
    asked = [" " + " ".join(method.units_of_text(prompt)) + " " for prompt in prompts]
    weight: dict[int, int] = {}
    said = [unit for answer in answers for unit in method.units_of_text(answer)]
    for answer in answers:
        for owner, surprisal in owned(corpus, method.units_of_text(answer), asked):
            weight[owner] = weight.get(owner, 0) + surprisal
    total = sum(method.surprisal(unit) for unit in said)
    least = method.constants["claim_millibits"]
    earned = {d: 1_000_000 * w // total for d, w in weight.items() if d in admitted and w >= least}
    rest = 1_000_000 - sum(earned.values())
    for dataset, ppm in by_prior(prior, rest, said):
        if dataset in admitted:
            earned[dataset] = earned.get(dataset, 0) + ppm
    entries = sorted(((ppm, -dataset) for dataset, ppm in earned.items() if ppm > 0), reverse=True)
    kept = entries if len(entries) <= 16 and sum(ppm for ppm, _ in entries) == 1_000_000 else entries[:15]
    left = 1_000_000 - sum(ppm for ppm, _ in kept)
    if left == 1_000_000:
        return []
    return sorted([(-negative, ppm) for ppm, negative in kept] + ([(0, left)] if left else []))


def owned(corpus: NaiveCorpus, units: list[str], asked: list[str]) -> list[tuple[int, int]]:
    """(owner, surprisal) of each unit that somebody owns."""
    candidates: list[set[int]] = [set() for _ in units]
    said_before: set[int] = set()
    for start in range(len(units)):
        window = corpus.method.window_at(units, start)
        if window is None:
            continue
        covered = range(start, start + len(window))
        if any(" " + " ".join(window) + " " in prompt for prompt in asked):
            said_before.update(covered)
        owner = corpus.owner(window)
        for at in covered if owner is not None else ():
            candidates[at].add(owner)
    return [
        (min(candidates[at]), corpus.method.surprisal(unit))
        for at, unit in enumerate(units)
        if candidates[at] and min(candidates[at]) and at not in said_before
    ]


def by_prior(prior: NaivePrior, rest: int, said: list[str]) -> list[tuple[int, int]]:
    """Each dataset's part of the rest, admitted or not."""
    sums = [(dataset, most, sum(words.get(unit, other) for unit in said)) for dataset, most, other, words in prior]
    total = sum(weight for _, _, weight in sums if weight > 0)
    return [
        (dataset, min(rest * weight // total, rest * most // 1_000_000)) for dataset, most, weight in sums if weight > 0
    ]


def read_method(tables: Path, constants: dict[str, int]) -> NaiveMethod:
    return NaiveMethod(constants, (tables / "fold.txt").read_text(), (tables / "surprisal.txt").read_text())


def constants_in(page: str) -> dict[str, int]:
    """The constants as the specification's table has them."""
    return {
        name: int(value.replace(",", ""))
        for name, value in re.findall(r"^\| `(\w+)` \| ([\d,]+) \|", page, re.MULTILINE)
    }


def as_json(corpus_lines: list[str]) -> bytes:
    """A JSON Lines file of these texts, as a publisher would write it."""
    return "".join(json.dumps({"text": line}) + "\n" for line in corpus_lines).encode()
