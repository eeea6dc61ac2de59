"""From the influence of datasets on tokens to a table of weights by word."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer

from ledger.protocol.attribution.folding import Folding
from ledger.protocol.attribution.prior import MAX_WEIGHT, Weights

SHRINKAGE = 5.0
"""A word's weights are drawn towards none, as if it had been seen so often more at the mean of all words."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A window of token ids, and for each token but the first the unit that it ends in or that goes on in it."""

    window: torch.Tensor
    units: tuple[tuple[int, str] | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Integer weights by word; `other` for a word that is not in it."""

    other: Weights
    words: Mapping[str, Weights]


def passages(tokenizer: Tokenizer, folding: Folding, text: str, length: int) -> Iterator[Passage]:
    """A text as windows of at most length + 1 tokens, each token with the unit that it belongs to."""
    encoding = tokenizer.encode(text)
    placed = folding.placed_units(text)
    of_token: list[tuple[int, str] | None] = []
    at = 0
    for start, end in encoding.offsets:
        while at < len(placed) and placed[at].end <= start:
            at += 1
        inside = at < len(placed) and placed[at].start < end
        of_token.append((at, placed[at].text) if inside else None)
    for i in range(0, len(encoding.ids) - 1, length):
        yield Passage(torch.tensor(encoding.ids[i : i + length + 1]), tuple(of_token[i + 1 : i + length + 1]))


def weigh(found: Sequence[Passage], influence: Sequence[Sequence[torch.Tensor]], most_words: int) -> Table:
    """The table, from `influence[dataset][passage][token]`: what each dataset does for a word beyond the mean of all.

    Beyond the mean, since what a dataset does for every word alike says nothing of one answer, and is mostly noise.
    """
    size = len(influence)
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * size)
    seen: Counter[str] = Counter()
    for number, passage in enumerate(found):
        values = torch.stack([of_dataset[number] for of_dataset in influence], dim=1).double().tolist()
        last: int | None = None
        for unit, row in zip(passage.units, values, strict=True):
            if unit is None:
                continue
            place, word = unit
            seen[word] += place != last
            last = place
            sums[word] = [a + b for a, b in zip(sums[word], row, strict=True)]
    total = max(1, seen.total())
    mean = [sum(row[d] for row in sums.values()) / total for d in range(size)]
    rows = {
        word: [(a - count * b) / (count + SHRINKAGE) for a, b in zip(sums[word], mean, strict=True)]
        for word, count in seen.most_common(most_words)
    }
    return _quantised([0.0] * size, rows)


def _quantised(other: Sequence[float], rows: Mapping[str, Sequence[float]]) -> Table:
    """Weights as integers, the largest of them a million, rounded towards zero."""
    largest = max((abs(weight) for row in (other, *rows.values()) for weight in row), default=0.0)
    scale = MAX_WEIGHT / largest if largest else 0.0

    def whole(row: Sequence[float]) -> Weights:
        return tuple(int(weight * scale) for weight in row)

    return Table(whole(other), {word: whole(row) for word, row in rows.items()})
