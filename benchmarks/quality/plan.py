"""What all processes of a run agree on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.bed import Bed, build_bed


@dataclass(frozen=True)
class Plan:
    models: str
    chunks: int
    answers_each: int
    subsets: int
    seeds: int
    parts: int

    def bed(self) -> Bed:
        return build_bed(Path(self.models), self.chunks, self.answers_each, self.subsets)
