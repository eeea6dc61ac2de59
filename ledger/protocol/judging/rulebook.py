"""The registry and the price list as one batch sees them: only what was logged before its commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.records import Ints


@dataclass(frozen=True, slots=True)
class TermsVersion:
    """What judging needs of one version of an asset's terms."""

    effective_at: int
    floor_input_price_units: int
    floor_output_price_units: int
    by_attribution: bool
    datasets: frozenset[int]


@dataclass(frozen=True, slots=True)
class AssetHistory:
    """An asset and its versions, number 1 first."""

    is_dataset: bool
    versions: tuple[TermsVersion, ...]


@dataclass(frozen=True, slots=True)
class PricePoint:
    """A published price per 1,000 units and when it came into force."""

    effective_at: int
    input_price_units: int
    output_price_units: int


FREE = PricePoint(0, 0, 0)
"""An asset for which no price is in force costs nothing."""


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Assets by id, and the batch's operator's prices by asset id in the order published."""

    assets: Mapping[int, AssetHistory]
    prices: Mapping[int, tuple[PricePoint, ...]]


def versions_at(history: AssetHistory, seconds: Ints) -> Ints:
    """The number of the version in force at each second: the newest effective by then, else 1."""
    return np.maximum(1, _count_until([v.effective_at for v in history.versions], seconds))


def prices_at(points: Sequence[PricePoint], seconds: Ints) -> Ints:
    """Index into `(FREE, *points)` of the price in force at each second."""
    return _count_until([p.effective_at for p in points], seconds)


def _count_until(effective_at: Sequence[int], seconds: Ints) -> Ints:
    """How many entries of a rising list are not after each second."""
    return np.searchsorted(np.array(effective_at, np.int64), seconds, side="right").astype(np.int64)


class TermsWindow(NamedTuple):
    """Within which times a batch's receipts are judged, both included."""

    terms_from: int
    first_committed_at: int


def terms_seconds(columns: BatchColumns, window: TermsWindow) -> Ints:
    """The terms time of each receipt: its start, clamped to the window."""
    started_at = columns.header.base_time + columns.time_offset
    return np.clip(started_at, window.terms_from, window.first_committed_at)


def asset_versions(columns: BatchColumns, rulebook: Rulebook, seconds: Ints) -> Ints:
    """The version of each receipt's asset that was in force at its terms time; all assets must be known."""
    versions = np.ones(len(seconds), np.int64)
    for asset_id in np.unique(columns.asset_id).tolist():
        at = np.flatnonzero(columns.asset_id == asset_id)
        versions[at] = versions_at(rulebook.assets[asset_id], seconds[at])
    return versions
