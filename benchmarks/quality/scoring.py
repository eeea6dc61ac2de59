"""The linear datamodeling score, its ceiling, and BM25.

LDS (Park et al., TRAK, arXiv 2303.14186): over random training subsets, the rank correlation between what the scores of
the subset's members add up to and what a model trained on that subset makes of the answer; the mean over answers.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats = NDArray[np.float64]


def ranks(values: Floats) -> Floats:
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: Floats = (ends - counts + ends - 1) / 2
    return means[inverse]


def spearman(a: Floats, b: Floats) -> float:
    """Rank correlation; 0 where one of them is constant."""
    x, y = ranks(a), ranks(b)
    x, y = x - x.mean(), y - y.mean()
    norm = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / norm if norm else 0.0


def lds(members: Floats, outcomes: Floats, scores: Floats) -> Floats:
    """The score of every answer.

    Args:
        members: (subsets, contributors), 1 where a contributor is in the subset.
        outcomes: (subsets, answers), higher where the model of the subset does better.
        scores: (answers, contributors).
    """
    predicted = members @ scores.T
    return np.array([spearman(predicted[:, i], outcomes[:, i]) for i in range(len(scores))])


def ceiling(members: Floats, outcomes: Floats, folds: int = 8, ridge: float = 1.0) -> Floats:
    """LDS of a linear model of the outcomes fitted on one half of the subsets and held against the other."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(folds):
        order = generator.permutation(len(members))
        fit, held = order[: len(order) // 2], order[len(order) // 2 :]
        found.append(lds(members[held], outcomes[held], datamodel(members[fit], outcomes[fit], ridge)))
    mean: Floats = np.mean(found, axis=0)
    return mean


def datamodel(members: Floats, outcomes: Floats, ridge: float = 1.0) -> Floats:
    """Effect of every contributor on every answer by ridge regression, shape (answers, contributors)."""
    x, y = members - members.mean(axis=0), outcomes - outcomes.mean(axis=0)
    solved: Floats = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    return solved.T


def bm25(answers: Sequence[str], documents: Sequence[str]) -> Floats:
    """Robertson's BM25 (k1 1.2, b 0.75) of each answer as the query, shape (answers, documents)."""
    bags = [Counter(_words(document)) for document in documents]
    lengths = np.array([bag.total() for bag in bags], dtype=float)
    frequency = Counter(word for bag in bags for word in bag)
    scores = np.zeros((len(answers), len(bags)))
    for i, answer in enumerate(answers):
        for word in _words(answer):
            if word in frequency:
                rarity = math.log(1 + (len(bags) - frequency[word] + 0.5) / (frequency[word] + 0.5))
                count = np.array([bag[word] for bag in bags], dtype=float)
                scores[i] += rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * lengths / lengths.mean()))
    return scores


def outcomes_of(rows: Sequence[dict[str, Any]]) -> Floats:
    """Negated mean loss over the seeds, shape (subsets, answers), by rising number of the subset."""
    ordered = sorted(rows, key=lambda row: int(row["subset"]))
    return -np.array([np.mean(row["losses"], axis=0) for row in ordered])


def seed_agreement(rows: Sequence[dict[str, Any]]) -> Floats:
    """Rank correlation over the subsets between the losses of two seeds, for every answer; 0 with one seed."""
    losses = np.array([row["losses"] for row in rows])
    if losses.shape[1] < 2:
        return np.zeros(losses.shape[2])
    return np.array([spearman(losses[:, 0, i], losses[:, 1, i]) for i in range(losses.shape[2])])


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+|[^a-z0-9\s]", text.lower())
