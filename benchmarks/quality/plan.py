"""What all processes of a run agree on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.bed import Bed, build_bed


@dataclass(frozen=True)
class Plan:
    """How much is trained and measured.

    Attributes:
        models: folder of the shipped models.
        chunks: passages that each contributor's adapter learns.
        answers_each: answers of each kind, of each contributor.
        subsets: halves of the contributors that are trained without the other half.
        seeds: trainings of each half.
        parts: processes that share them.
        known_passages: passages of each author that the prior is measured on.
    """

    models: str
    chunks: int
    answers_each: int
    subsets: int
    seeds: int
    parts: int
    known_passages: int

    def bed(self) -> Bed:
        return build_bed(Path(self.models), self.chunks, self.answers_each, self.subsets)
