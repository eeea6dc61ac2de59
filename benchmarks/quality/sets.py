"""What the function itself says of the bed's answers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.quality.datasets import registered
from ledger.attribution.library import Library
from ledger.attribution.standard import BACKGROUND, standard_method
from ledger.protocol.attribution import Prior, Texts, attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.quality.scoring import Floats


def set_scores(answers: Sequence[str], documents: Sequence[str], prior: Prior) -> Floats:
    """Ppm of every dataset in the set of every answer, shape (answers, documents)."""
    scores = np.zeros((len(answers), len(documents)))
    with tempfile.TemporaryDirectory() as folder:
        datasets = registered(Path(folder) / "datasets", documents)
        library = Library.create(Path(folder) / "library", standard_method(), BACKGROUND).adding(datasets)
        admitted = range(1, len(documents) + 1)
        for row, answer in enumerate(answers):
            for asset_id, ppm in attribute(Texts((answer,), ()), library, admitted, prior, standard_method()).entries:
                if asset_id:
                    scores[row, asset_id - 1] = ppm
    return scores


def flat_weights(influence: Floats) -> Prior:
    """The prior that shares by each dataset's influence on known text as a whole; harm counts as nothing."""
    helpful = np.maximum(influence, 0)
    total = float(helpful.sum()) or 1.0
    return Prior.flat({number: int(1e6 * value / total) for number, value in enumerate(helpful.tolist(), 1)})
