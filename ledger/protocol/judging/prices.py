"""Fees held against published prices and the terms' floors, all receipts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ledger.protocol.judging.rulebook import FREE, prices_at
from ledger.protocol.units import UNITS_PER_PRICE, fee_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ledger.protocol.blob.decode import BatchColumns
    from ledger.protocol.blob.faults import Mask
    from ledger.protocol.blob.records import Ints, Units
    from ledger.protocol.judging.rulebook import Rulebook

_SAFE_PRICE = 2**38
"""Below it, units x price of both parts and the rounding stay under 2^63."""


class WrongFees(NamedTuple):
    """For each receipt, whether its fee is another than its price asks for, and whether it is below the floor."""

    not_the_price: Mask
    below_floor: Mask


def wrong_fees(columns: BatchColumns, rulebook: Rulebook, asset_version: Ints, seconds: Ints) -> WrongFees:
    """Which receipts' fees break the rules.

    Args:
        columns: a batch without a fault of format, all of whose assets are known.
        rulebook: prices and floors.
        asset_version: the version of each receipt's terms.
        seconds: terms times of the receipts, at which prices are read as well.
    """
    n, charged = len(columns.asset_id), columns.fee_units
    wrong_price, below_floor = np.zeros(n, bool), np.zeros(n, bool)
    for asset_id in np.unique(columns.asset_id).tolist():
        at = np.flatnonzero(columns.asset_id == asset_id)
        points = (FREE, *rulebook.prices.get(asset_id, ()))
        prices = [(p.input_price_units, p.output_price_units) for p in points]
        wrong_price[at] = _fees(columns, at, prices, prices_at(points[1:], seconds[at])) != charged[at]
        versions = rulebook.assets[asset_id].versions
        floors = [(v.floor_input_price_units, v.floor_output_price_units) for v in versions]
        below_floor[at] = _fees(columns, at, floors, asset_version[at] - 1) > charged[at]
    return WrongFees(wrong_price, below_floor)


def _fees(columns: BatchColumns, at: Ints, prices: Sequence[tuple[int, int]], index: Ints) -> npt.NDArray[Any]:
    """What the receipts `at` cost at `prices[index]`, rounded up; exact for every uint64 price."""
    inputs, outputs = columns.input_units[at], columns.output_units[at]
    if max(max(pair) for pair in prices) < _SAFE_PRICE:
        table = np.array(prices, np.int64)
        total = inputs * table[index, 0] + outputs * table[index, 1]
        fees: Units = (-(-total // UNITS_PER_PRICE)).astype(np.uint64)
        return fees
    rows = zip(inputs.tolist(), outputs.tolist(), index.tolist(), strict=True)
    return np.array([fee_up(i, o, *prices[k]) for i, o, k in rows], dtype=object)
