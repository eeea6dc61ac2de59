"""Proofs against what a batch claims of the registry and the price list: assets, fees, admissions.

Source: docs/spec/validity.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ledger.protocol.attribution import ENTRIES_PER_PART
from ledger.protocol.blob.layout import b_position
from ledger.protocol.judging.prices import wrong_fees
from ledger.protocol.judging.proof import Challenge, Element, Proof
from ledger.protocol.judging.rulebook import asset_versions, terms_seconds
from ledger.protocol.judging.sets import SetUse, first_stray_entry, forbidden_sets, use_sets
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.sets import SetTable
    from ledger.protocol.judging.rulebook import Rulebook, TermsWindow

ASSET_UNKNOWN: Final = "asset_unknown"
ASSET_IS_DATASET: Final = "asset_is_dataset"
FEE_NOT_PRICE: Final = "fee_differs_from_price"
FEE_BELOW_FLOOR: Final = "fee_below_floor"
SET_NOT_ADMITTED: Final = "set_not_admitted"
SET_IN_FIXED_MODE: Final = "set_in_fixed_mode"
STARTED_AFTER_COMMIT: Final = "started_after_commit"


def terms_proofs(columns: BatchColumns, sets: SetTable, rulebook: Rulebook, window: TermsWindow) -> Iterator[Proof]:
    """One proof for each rule that a batch of sound bytes breaks.

    Args:
        columns: a batch without a fault of format.
        sets: its attribution sets.
        rulebook: the assets and prices that it names.
        window: the times by which everything is judged.
    """
    unknown = list(asset_proofs(columns, rulebook))
    if unknown:
        yield from unknown
        return
    yield from start_proofs(columns, window)
    seconds = terms_seconds(columns, window)
    versions = asset_versions(columns, rulebook, seconds)
    fees = wrong_fees(columns, rulebook, versions, seconds)
    for rule, broken in ((FEE_NOT_PRICE, fees.not_the_price), (FEE_BELOW_FLOOR, fees.below_floor)):
        for i in np.flatnonzero(broken)[:1].tolist():
            yield price_proof(rule, i)
    yield from admission_proofs(columns, use_sets(columns, rulebook, versions, sets))


def start_proofs(columns: BatchColumns, window: TermsWindow) -> Iterator[Proof]:
    """The first receipt that started after the batch's first commit, clocks that differ forgiven."""
    started_at = columns.header.base_time + columns.time_offset
    for i in np.flatnonzero(started_at > window.first_committed_at + CLOCK_TOLERANCE_SECONDS)[:1].tolist():
        detail = f"receipt {i} started at {int(started_at[i])}"
        yield Proof(STARTED_AFTER_COMMIT, Challenge.RECEIPT, (i, Element(b_position(i))), detail)


def asset_proofs(columns: BatchColumns, rulebook: Rulebook) -> Iterator[Proof]:
    """The first receipt of each asset that is not there, or that can't serve."""
    for asset_id, first in zip(*np.unique(columns.asset_id, return_index=True), strict=True):
        history = rulebook.assets.get(int(asset_id))
        if history is None or history.is_dataset:
            rule = ASSET_UNKNOWN if history is None else ASSET_IS_DATASET
            i = int(first)
            detail = f"receipt {i} names asset {asset_id}"
            yield Proof(rule, Challenge.RECEIPT, (i, Element(b_position(i))), detail)


def price_proof(rule: str, i: int) -> Proof:
    """The proof that receipt i's fee is not its price, or below the floor."""
    fees = (b_position(i), b_position(i - 1)) if i else (b_position(i),)
    challenge = Challenge.FLOOR if rule == FEE_BELOW_FLOOR else Challenge.PRICE
    return Proof(rule, challenge, (i, tuple(map(Element, fees))), f"the fee of receipt {i} is wrong")


def admission_proofs(columns: BatchColumns, use: SetUse) -> Iterator[Proof]:
    """The first set that its terms forbid, and the first entry that they do not admit."""
    for i in forbidden_sets(columns, use)[:1].tolist():
        detail = f"receipt {i} has a set under fixed shares"
        yield Proof(SET_IN_FIXED_MODE, Challenge.ADMISSION, (i, Element(b_position(i)), 0, 0, ()), detail)
    stray = first_stray_entry(use)
    if stray is not None:
        part, entry = divmod(stray.entry, ENTRIES_PER_PART)
        opened = Element(int(columns.set_position[stray.receipt]) + part)
        arguments = (stray.receipt, Element(b_position(stray.receipt)), part, entry, (opened,))
        detail = f"receipt {stray.receipt}'s set names dataset {stray.dataset_id}"
        yield Proof(SET_NOT_ADMITTED, Challenge.ADMISSION, arguments, detail)
