"""Attribution sets of a batch as flat columns, and whether the terms admit what they name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from indexer.verification import findings as found
from indexer.verification.findings import Challenge, Finding
from ledger.protocol.attribution import BY_TERMS
from ledger.protocol.blob.faults import attribution_sets
from ledger.protocol.blob.layout import b_position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.verification.rulebook import Rulebook
    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.records import Ints


@dataclass(frozen=True, slots=True)
class SetTable:
    """Sets by rising position; the entries of set s are `first[s]` to `first[s + 1]` of the entry columns."""

    positions: Ints
    first: Ints
    asset_ids: Ints
    ppms: Ints

    def index_of(self, set_positions: Ints) -> Ints:
        """Which set each position names; -1 where it is 0, for no set."""
        index = np.searchsorted(self.positions, set_positions)
        return np.where(set_positions == 0, -1, index)


def read_sets(columns: BatchColumns) -> SetTable:
    """The sets of a batch without a fault of format."""
    sets = sorted(attribution_sets(columns).items())
    entries = [entry for _, chosen in sets for entry in chosen]
    return SetTable(
        positions=np.array([position for position, _ in sets], np.int64),
        first=np.cumsum([0, *(len(chosen) for _, chosen in sets)], dtype=np.int64),
        asset_ids=np.array([entry.asset_id for entry in entries], np.int64),
        ppms=np.array([entry.ppm for entry in entries], np.int64),
    )


def admission_findings(
    columns: BatchColumns, rulebook: Rulebook, asset_version: Ints, sets: SetTable
) -> Iterator[Finding]:
    """The first receipt with a set that its terms forbid, and the first that names a dataset they don't admit."""
    used = np.flatnonzero(columns.set_position)
    index = sets.index_of(columns.set_position[used])
    keys = np.stack([columns.asset_id[used], asset_version[used], index])
    distinct, first, counts = np.unique(keys, axis=1, return_index=True, return_counts=True)
    broken: dict[str, list[tuple[int, int, int | None]]] = {found.SET_IN_FIXED_MODE: [], found.SET_NOT_ADMITTED: []}
    for (asset_id, version, s), i, count in zip(distinct.T.tolist(), first.tolist(), counts.tolist(), strict=True):
        terms = rulebook.assets[asset_id].versions[version - 1]
        if not terms.by_attribution:
            broken[found.SET_IN_FIXED_MODE].append((int(used[i]), count, None))
            continue
        named = sets.asset_ids[sets.first[s] : sets.first[s + 1]].tolist()
        stray = next((d for d in named if d != BY_TERMS and d not in terms.datasets), None)
        if stray is not None:
            broken[found.SET_NOT_ADMITTED].append((int(used[i]), count, stray))
    for rule, cases in broken.items():
        if cases:
            yield _finding(columns, rule, *min(cases), receipts=sum(count for _, count, _ in cases))


def _finding(columns: BatchColumns, rule: str, i: int, _: int, dataset_id: int | None, *, receipts: int) -> Finding:
    evidence = {
        "receipts": receipts,
        "receipt": i,
        "asset_id": int(columns.asset_id[i]),
        "dataset_id": dataset_id,
        "field_elements": found.elements(b_position(i), int(columns.set_position[i])),
    }
    return Finding(rule, voids=False, challenge=Challenge.SET, evidence=evidence)
