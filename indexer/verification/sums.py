"""Fees times weights, summed by asset version and dataset version: what settlement adds up.

The rule is `ledger.protocol.entitlement.weights`; here it runs over whole columns. tests/unit/indexer compares the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from indexer.verification.rulebook import versions_at
from ledger.protocol.attribution import BY_TERMS
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from indexer.verification.rulebook import Rulebook
    from indexer.verification.sets import SetTable
    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.faults import Mask
    from ledger.protocol.blob.records import Ints, Units

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


def weigh(
    columns: BatchColumns, rulebook: Rulebook, asset_version: Ints, seconds: Ints, sets: SetTable
) -> WeightedSums:
    """The sums of a batch, by rising (asset, version, dataset, version).

    Args:
        columns: a batch without a fault of format, all of whose assets are known.
        rulebook: modes, admitted datasets and their versions.
        asset_version: the version of each receipt's terms.
        seconds: the receipts' terms times.
        sets: the batch's sets.
    """
    by_set = _carries_weight(columns, rulebook, asset_version)
    plain = np.flatnonzero(~by_set)
    none = np.zeros(len(plain), np.int64)
    parts = [
        _Weights(plain, none, none, np.full(len(plain), PPM, np.int64)),
        _set_weights(columns, rulebook, asset_version, seconds, sets, np.flatnonzero(by_set)),
    ]
    row, dataset_id, dataset_version, ppm = (np.concatenate(column) for column in zip(*parts, strict=True))
    keys = np.stack([columns.asset_id[row], asset_version[row], dataset_id, dataset_version])
    distinct, group = np.unique(keys, axis=1, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(distinct.shape[1]))
    totals = _exact_sums(columns.fee_units[row][order], ppm[order], starts)
    receipts = _distinct_rows(row[order], group[order], distinct.shape[1])
    return tuple(map(WeightedSum, *distinct.tolist(), totals, receipts))


def _carries_weight(columns: BatchColumns, rulebook: Rulebook, asset_version: Ints) -> Mask:
    """Whether a receipt's set says how its fee is split: it has one, and its terms go by attribution."""
    by_set: Mask = columns.set_position != 0
    for asset_id in np.unique(columns.asset_id[by_set]).tolist():
        modes = np.array([False, *(v.by_attribution for v in rulebook.assets[asset_id].versions)])
        at = np.flatnonzero(by_set & (columns.asset_id == asset_id))
        by_set[at] = modes[asset_version[at]]
    return by_set


def _set_weights(
    columns: BatchColumns, rulebook: Rulebook, asset_version: Ints, seconds: Ints, sets: SetTable, rows: Ints
) -> _Weights:
    """Every entry of every receipt's set; an entry that is not admitted counts for dataset 0."""
    index = sets.index_of(columns.set_position[rows])
    lengths = sets.first[index + 1] - sets.first[index]
    row = np.repeat(rows, lengths)
    offset = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    entry = np.repeat(sets.first[index], lengths) + offset
    dataset_id = sets.asset_ids[entry].copy()
    dataset_id[~_admitted(columns.asset_id[row], asset_version[row], dataset_id, rulebook)] = BY_TERMS
    dataset_version = np.zeros(len(row), np.int64)
    for dataset in np.unique(dataset_id[dataset_id != BY_TERMS]).tolist():
        at = np.flatnonzero(dataset_id == dataset)
        dataset_version[at] = versions_at(rulebook.assets[dataset], seconds[row[at]])
    return _Weights(row, dataset_id, dataset_version, sets.ppms[entry])


def _admitted(asset_id: Ints, asset_version: Ints, dataset_id: Ints, rulebook: Rulebook) -> Mask:
    """Whether each dataset is on the list of its asset's version."""
    admitted = np.zeros(len(asset_id), bool)
    pairs = np.stack([asset_id, asset_version])
    distinct, group = np.unique(pairs, axis=1, return_inverse=True)
    for number, (asset, version) in enumerate(distinct.T.tolist()):
        at = np.flatnonzero(group == number)
        listed = np.array(sorted(rulebook.assets[asset].versions[version - 1].datasets), np.int64)
        admitted[at] = np.isin(dataset_id[at], listed)
    return admitted


def _exact_sums(fees: Units, ppm: Ints, starts: Ints) -> list[int]:
    """Sum of fee x ppm of each group, exact: fees are cut into limbs, so that no product or sum overflows."""
    totals = [0] * len(starts)
    for shift in range(0, 64, _LIMB_BITS):
        limbs = ((fees >> np.uint64(shift)) & _LIMB_MASK).astype(np.int64)
        for group, part in enumerate(np.add.reduceat(limbs * ppm, starts).tolist()):
            totals[group] += part << shift
    return totals


def _distinct_rows(row: Ints, group: Ints, groups: int) -> list[int]:
    """How many receipts each group draws on, counting one that names it in several entries once."""
    pairs = np.unique(np.stack([group, row]), axis=1)[0]
    counts: list[int] = np.bincount(pairs, minlength=groups).tolist()
    return counts
