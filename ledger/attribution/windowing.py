"""The windows of a whole text at once: the vectorised twin of `windows_of`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ledger.attribution.reading import UnitArrays, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ledger.attribution.hashing import I64
    from ledger.protocol.attribution import Parameters


PART_UNITS: Final = 1 << 21
"""Units whose windows are found at once."""


class Part(NamedTuple):
    """Units of a file, of which only windows that begin before the unit `first` are new; None for all."""

    arrays: UnitArrays
    first: int | None


def in_parts(pieces: Iterable[UnitArrays], window_units: int) -> Iterator[Part]:
    """A file's units in parts of bounded size, each with the units that a window begun before it may reach."""
    held: list[UnitArrays] = []
    for piece in pieces:
        held.append(piece)
        if sum(len(each.hashes) for each in held) > PART_UNITS + window_units:
            units = joined(held)
            new = len(units.hashes) - (window_units - 1)
            yield Part(units, new)
            held = [units.behind(new)]
    yield Part(joined(held), None)


def windows(units: UnitArrays, parameters: Parameters, before: int | None = None) -> tuple[I64, I64]:
    """Starts and lengths of the windows of a text, in order; those that are spread too wide are left out.

    Args:
        units: the text's, or a part of them.
        parameters: with the thresholds.
        before: only windows that begin before this unit.
    """
    starts, lengths = _lengths(units, parameters)
    if before is not None:
        starts, lengths = starts[starts < before], lengths[starts < before]
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
