"""The windows of a whole text at once: the vectorised twin of `windows_of`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ledger.attribution.hashing import I64
    from ledger.attribution.reading import UnitArrays
    from ledger.protocol.attribution import Parameters


def windows(units: UnitArrays, parameters: Parameters) -> tuple[I64, I64]:
    """Starts and lengths of the windows of a text, in order; those that are spread too wide are left out."""
    starts, lengths = _lengths(units, parameters)
    spread = units.ends[starts + lengths - 1] - units.starts[starts]
    near = spread <= parameters.window_bytes
    return starts[near], lengths[near]


def _lengths(units: UnitArrays, parameters: Parameters) -> tuple[I64, I64]:
    count = len(units.hashes)
    lengths = np.zeros(count, np.int64)
    totals = np.zeros(count, np.int32)
    repeated = np.zeros(count, np.bool_)  # whether the unit stands among the so many before it
    going = np.arange(count)
    for length in range(min(parameters.window_units, count)):
        if length:
            repeated[length:] |= units.hashes[length:] == units.hashes[:-length]
            going = going[: np.searchsorted(going, count - length)]
        if not len(going):
            break
        at = going + length
        sums = totals[going] + np.where(repeated[at], 0, units.millibits[at])
        totals[going] = sums
        enough = sums >= parameters.window_millibits
        lengths[going[enough]] = length + 1
        going = going[~enough]
    starts = np.flatnonzero(lengths)
    return starts, lengths[starts]
