"""Broken rules as findings: the rule, whether the batch still counts, and the challenge that fits.

A rule of the format voids the whole batch: there is no trustworthy reading of its bytes. A fault against prices,
floors or admissions can be challenged, but while it stands the money rules say how the fee is split.
Source: docs/spec/validity.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ledger.protocol.blob.faults import Fault, Rule
from ledger.protocol.blob.layout import FES_PER_BLOB


class Challenge(StrEnum):
    """The one-step fraud proofs, by what they open."""

    ELEMENT = "element"
    RECEIPT = "receipt"
    NEIGHBOURS = "neighbours"
    PAYER_TOTAL = "payer_total"
    PAYER_LAST = "payer_last"
    DUPLICATE = "duplicate"
    PRICE = "price"
    SET = "set"


UNREADABLE: Final = "unreadable"
COMMITMENT_MISMATCH: Final = "batch_commitment_mismatch"
ASSET_UNKNOWN: Final = "asset_unknown"
ASSET_IS_DATASET: Final = "asset_is_dataset"
FEE_NOT_PRICE: Final = "fee_differs_from_price"
FEE_BELOW_FLOOR: Final = "fee_below_floor"
SET_NOT_ADMITTED: Final = "set_not_admitted"
SET_IN_FIXED_MODE: Final = "set_in_fixed_mode"

_FORMAT: Final = {
    Rule.HEADER: Challenge.ELEMENT,
    Rule.ELEMENT_RANGE: Challenge.ELEMENT,
    Rule.PAYER_CHARGE: Challenge.ELEMENT,
    Rule.SEQ_RANGE: Challenge.RECEIPT,
    Rule.SEQ_DUPLICATE: Challenge.DUPLICATE,
    Rule.SEQ_ORDER: Challenge.NEIGHBOURS,
    Rule.PAYER_RANGE: Challenge.RECEIPT,
    Rule.PAYER_ORDER: Challenge.NEIGHBOURS,
    Rule.PAYER_TOTAL: Challenge.PAYER_TOTAL,
    Rule.PAYER_LAST: Challenge.PAYER_LAST,
    Rule.FEE_ORDER: Challenge.NEIGHBOURS,
    Rule.FEE_TOTAL: Challenge.RECEIPT,
    Rule.SET_MALFORMED: Challenge.SET,
    Rule.SET_POINTER: Challenge.SET,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule. `evidence` is JSON: what a reader, and the challenge, need to see it."""

    rule: str
    voids: bool
    challenge: Challenge | None
    evidence: dict[str, Any] = field(default_factory=dict)


def format_finding(fault: Fault) -> Finding:
    """A broken rule of format 1, with the field elements that prove it."""
    evidence = {"detail": fault.detail, "field_elements": elements(*fault.positions)}
    return Finding(fault.rule.value, voids=True, challenge=_FORMAT[fault.rule], evidence=evidence)


def elements(*positions: int) -> list[dict[str, int]]:
    """Field elements as an opening names them: the position in the run, the blob, the index within it."""
    return [{"position": p, "blob": p // FES_PER_BLOB, "index": p % FES_PER_BLOB} for p in positions]
