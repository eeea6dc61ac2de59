"""Attribution sets held against the terms: which of them carry weight, and which of their entries are admitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ledger.protocol.attribution import BY_TERMS
from ledger.protocol.judging.grouping import group_rows

if TYPE_CHECKING:
    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.faults import Mask
    from ledger.protocol.blob.records import Ints
    from ledger.protocol.blob.sets import SetTable
    from ledger.protocol.judging.rulebook import Rulebook


class SetUse(NamedTuple):
    """How a batch's receipts use its sets.

    `by_set` says for each receipt whether its set says how its fee is split. The other columns have one row for each
    entry of each such receipt's set, by rising receipt: whether the receipt's terms admit the dataset that it names.
    """

    by_set: Mask
    receipt: Ints
    dataset_id: Ints
    ppm: Ints
    admitted: Mask


def use_sets(columns: BatchColumns, rulebook: Rulebook, asset_version: Ints, sets: SetTable) -> SetUse:
    """The use of a batch's sets, all of whose assets are known."""
    by_set = _carries_weight(columns, rulebook, asset_version)
    rows = np.flatnonzero(by_set)
    index = sets.index_of(columns.set_position[rows])
    lengths = sets.first[index + 1] - sets.first[index]
    receipt = np.repeat(rows, lengths)
    offset = np.arange(len(receipt)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    entry = np.repeat(sets.first[index], lengths) + offset
    dataset_id = sets.asset_ids[entry]
    admitted = _admitted(columns.asset_id[receipt], asset_version[receipt], dataset_id, rulebook)
    return SetUse(by_set, receipt, dataset_id, sets.ppms[entry], admitted)


class StrayEntry(NamedTuple):
    """An entry that its receipt's terms do not admit; `entry` counts from the first of the whole set."""

    receipt: int
    dataset_id: int
    entry: int
    receipts: int
    """How many receipts of the batch have one."""


def forbidden_sets(columns: BatchColumns, use: SetUse) -> Ints:
    """The receipts, by rising index, that carry a set although their terms go by fixed shares."""
    return np.flatnonzero((columns.set_position != 0) & ~use.by_set)


def first_stray_entry(use: SetUse) -> StrayEntry | None:
    """The first entry that names a dataset which its receipt's terms do not admit."""
    stray = np.flatnonzero(~use.admitted & (use.dataset_id != BY_TERMS))
    if not len(stray):
        return None
    row = int(stray[0])
    receipt = int(use.receipt[row])
    entry = row - int(np.searchsorted(use.receipt, receipt))
    return StrayEntry(receipt, int(use.dataset_id[row]), entry, len(np.unique(use.receipt[stray])))


def _carries_weight(columns: BatchColumns, rulebook: Rulebook, asset_version: Ints) -> Mask:
    """Whether a receipt's set says how its fee is split: it has one, and its terms go by attribution."""
    by_set: Mask = columns.set_position != 0
    for asset_id in np.unique(columns.asset_id[by_set]).tolist():
        modes = np.array([False, *(v.by_attribution for v in rulebook.assets[asset_id].versions)])
        at = np.flatnonzero(by_set & (columns.asset_id == asset_id))
        by_set[at] = modes[asset_version[at]]
    return by_set


def _admitted(asset_id: Ints, asset_version: Ints, dataset_id: Ints, rulebook: Rulebook) -> Mask:
    """Whether each dataset is on the list of its asset's version."""
    admitted = np.zeros(len(asset_id), bool)
    groups = group_rows(asset_id, asset_version)
    for (asset, version), at in zip(groups.keys, groups.members(), strict=True):
        listed = np.array(sorted(rulebook.assets[asset].versions[version - 1].datasets), np.int64)
        admitted[at] = np.isin(dataset_id[at], listed)
    return admitted
