"""Fees times weights, summed by asset version and dataset version: what settlement adds up.

The rule is `ledger.protocol.entitlement.weights`; here it runs over whole columns. tests/unit/indexer compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ledger.protocol.attribution import BY_TERMS
from ledger.protocol.judging.grouping import group_rows
from ledger.protocol.judging.rulebook import versions_at
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.records import Ints, Units
    from ledger.protocol.judging.rulebook import Rulebook
    from ledger.protocol.judging.sets import SetUse

_LIMB_BITS = 22
"""A 22-bit limb of a fee times a weight (20 bits), summed over 2^18 entries, stays below 2^60."""
_LIMB_MASK = np.uint64(2**_LIMB_BITS - 1)


class WeightedSum(NamedTuple):
    """One row of batch_sums; dataset 0 with version 0 is what the asset's own terms share out."""

    asset_id: int
    asset_version: int
    dataset_id: int
    dataset_version: int
    weighted_fee_units: int
    receipts: int


WeightedSums = tuple[WeightedSum, ...]


class _Weights(NamedTuple):
    """Weights of receipts as columns: receipt `row` counts with `ppm` for (dataset, version)."""

    row: Ints
    dataset_id: Ints
    dataset_version: Ints
    ppm: Ints


def weigh(columns: BatchColumns, rulebook: Rulebook, asset_version: Ints, seconds: Ints, use: SetUse) -> WeightedSums:
    """The sums of a batch, by rising (asset, version, dataset, version).

    Args:
        columns: a batch without a fault of format, all of whose assets are known.
        rulebook: the datasets' versions.
        asset_version: the version of each receipt's terms.
        seconds: the receipts' terms times.
        use: which receipts go by their sets, and what those name.
    """
    plain = np.flatnonzero(~use.by_set)
    none = np.zeros(len(plain), np.int64)
    parts = [
        _Weights(plain, none, none, np.full(len(plain), PPM, np.int64)),
        _set_weights(rulebook, seconds, use),
    ]
    row, dataset_id, dataset_version, ppm = (np.concatenate(column) for column in zip(*parts, strict=True))
    groups = group_rows(columns.asset_id[row], asset_version[row], dataset_id, dataset_version)
    totals = _exact_sums(columns.fee_units[row][groups.order], ppm[groups.order], groups.starts)
    receipts = _distinct_runs(row[groups.order], groups.starts)
    return tuple(
        WeightedSum(key[0], key[1], key[2], key[3], total, count)
        for key, total, count in zip(groups.keys, totals, receipts, strict=True)
    )


def _set_weights(rulebook: Rulebook, seconds: Ints, use: SetUse) -> _Weights:
    """Every entry of every receipt's set; an entry that is not admitted counts for dataset 0."""
    dataset_id = np.where(use.admitted, use.dataset_id, BY_TERMS)
    dataset_version = np.zeros(len(dataset_id), np.int64)
    for dataset in np.unique(dataset_id[dataset_id != BY_TERMS]).tolist():
        at = np.flatnonzero(dataset_id == dataset)
        dataset_version[at] = versions_at(rulebook.assets[dataset], seconds[use.receipt[at]])
    return _Weights(use.receipt, dataset_id, dataset_version, use.ppm)


def _exact_sums(fees: Units, ppm: Ints, starts: Ints) -> list[int]:
    """Sum of fee x ppm of each group, exact: fees are cut into limbs, so that no product or sum overflows."""
    totals = [0] * len(starts)
    for shift in range(0, 64, _LIMB_BITS):
        limbs = ((fees >> np.uint64(shift)) & _LIMB_MASK).astype(np.int64)
        for group, part in enumerate(np.add.reduceat(limbs * ppm, starts).tolist()):
            totals[group] += part << shift
    return totals


def _distinct_runs(row: Ints, starts: Ints) -> list[int]:
    """How many receipts each group draws on; one that names it in several entries stands there several times in a row."""
    is_new = np.append(True, row[1:] != row[:-1])
    is_new[starts] = True
    counts: list[int] = np.add.reduceat(is_new.astype(np.int64), starts).tolist()
    return counts
