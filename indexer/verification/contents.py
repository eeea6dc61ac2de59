"""Findings against a batch whose bytes are sound: its assets, its fees, its attribution sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from indexer.verification.findings import Finding, proven
from ledger.protocol.judging import terms
from ledger.protocol.judging.prices import wrong_fees
from ledger.protocol.judging.sets import first_stray_entry, forbidden_sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.records import Ints
    from ledger.protocol.judging.rulebook import Rulebook, TermsWindow
    from ledger.protocol.judging.sets import SetUse


def asset_findings(columns: BatchColumns, rulebook: Rulebook) -> Iterator[Finding]:
    """Receipts that name no asset, or a dataset, as what served."""
    for proof in terms.asset_proofs(columns, rulebook):
        asset_id = int(columns.asset_id[_receipt(proof.arguments[0])])
        receipts = int(np.count_nonzero(columns.asset_id == asset_id))
        yield proven(proof, voids=True, asset_id=asset_id, receipts=receipts)


def start_findings(columns: BatchColumns, window: TermsWindow) -> Iterator[Finding]:
    """The first receipt that started after the batch's first commit."""
    for proof in terms.start_proofs(columns, window):
        yield proven(proof, voids=False, receipt=_receipt(proof.arguments[0]), detail=proof.detail)


def price_findings(columns: BatchColumns, rulebook: Rulebook, asset_version: Ints, seconds: Ints) -> Iterator[Finding]:
    """The first receipt that broke each rule of fees, with how many did.

    Args:
        columns: a batch without a fault of format.
        rulebook: prices and floors.
        asset_version: the version of each receipt's terms.
        seconds: terms times of the receipts, at which prices are read as well.
    """
    fees = wrong_fees(columns, rulebook, asset_version, seconds)
    for rule, broken in ((terms.FEE_NOT_PRICE, fees.not_the_price), (terms.FEE_BELOW_FLOOR, fees.below_floor)):
        receipts = np.flatnonzero(broken)
        if not len(receipts):
            continue
        i = int(receipts[0])
        yield proven(
            terms.price_proof(rule, i),
            voids=False,
            receipts=len(receipts),
            receipt=i,
            asset_id=int(columns.asset_id[i]),
            fee_units=str(int(columns.fee_units[i])),
            input_units=int(columns.input_units[i]),
            output_units=int(columns.output_units[i]),
        )


def admission_findings(columns: BatchColumns, use: SetUse) -> Iterator[Finding]:
    """The first receipt with a set that its terms forbid, and the first that names a dataset they don't admit."""
    forbidden, stray = forbidden_sets(columns, use), first_stray_entry(use)
    for proof in terms.admission_proofs(columns, use):
        i = _receipt(proof.arguments[0])
        is_stray = stray is not None and proof.rule == terms.SET_NOT_ADMITTED
        yield proven(
            proof,
            voids=False,
            receipts=stray.receipts if stray is not None and is_stray else len(forbidden),
            receipt=i,
            asset_id=int(columns.asset_id[i]),
            dataset_id=stray.dataset_id if stray is not None and is_stray else None,
        )


def _receipt(argument: object) -> int:
    assert isinstance(argument, int)
    return argument
