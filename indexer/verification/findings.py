"""Broken rules as findings: the rule, whether the batch still counts, and the challenge that fits.

A rule of the format voids the whole batch: there is no trustworthy reading of its bytes. A fault against prices,
floors or admissions can be challenged, but while it stands the money rules say how the fee is split.
Source: docs/spec/validity.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ledger.protocol.blob.layout import FES_PER_BLOB

if TYPE_CHECKING:
    from ledger.protocol.judging.proof import Challenge, Proof

UNREADABLE: Final = "unreadable"
COMMITMENT_MISMATCH: Final = "batch_commitment_mismatch"


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule. `evidence` is JSON: what a reader, and the challenge, need to see it."""

    rule: str
    voids: bool
    challenge: Challenge | None
    evidence: dict[str, Any] = field(default_factory=dict)


def proven(proof: Proof, *, voids: bool, **evidence: object) -> Finding:
    """A broken rule with the challenge that proves it and the field elements that this one opens."""
    return Finding(proof.rule, voids, proof.challenge, {**evidence, "field_elements": elements(*proof.positions)})


def elements(*positions: int) -> list[dict[str, int]]:
    """Field elements as an opening names them: the position in the run, the blob, the index within it."""
    return [{"position": p, "blob": p // FES_PER_BLOB, "index": p % FES_PER_BLOB} for p in positions]
