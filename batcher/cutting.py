"""Where a run of waiting receipts is cut into batches: before a blob, an offset or a sum overflows.

And where another attribution method made the sets: a batch_commitment names one.

Pure: rows in, a number out. What fits here, the encoder takes; a test compares the two.
Source: docs/spec/blob.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.protocol.attribution import ENTRIES_PER_PART, AttributionSet
from ledger.protocol.blob import layout
from ledger.protocol.hexadecimal import ZERO_HASH
from ledger.protocol.units import MAX_U64

if TYPE_CHECKING:
    from collections.abc import Iterable


class MadeBy(NamedTuple):
    """An attribution method by name, and the hash of its parameters: one of each stands in a batch_commitment."""

    method: bytes
    params_hash: bytes


NOBODY: Final = MadeBy(ZERO_HASH, ZERO_HASH)


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that a batch may hold, within what the format can."""

    max_receipts: int = layout.MAX_RECEIPTS
    max_payers: int = 1024
    max_fes: int = layout.MAX_FES


@dataclass(frozen=True, slots=True)
class Waiting:
    """What decides whether a receipt still fits."""

    payer: bytes
    fee_units: int
    started_at: int
    attribution: AttributionSet = ()
    made_by: MadeBy = NOBODY
    """What made the set; it says nothing where there is none."""


@dataclass(slots=True)
class Load:
    """A batch as it fills, receipt by receipt in order of seq."""

    count: int = 0
    set_fes: int = 0
    fee_units: int = 0
    earliest: int = 2**63
    latest: int = -1
    payers: set[bytes] = field(default_factory=set)
    sets: set[AttributionSet] = field(default_factory=set)
    made_by: MadeBy = NOBODY
    """What made the sets, once there is one."""

    def takes(self, receipt: Waiting, limits: Limits) -> bool:
        """Whether the receipt fits; it is loaded if it does."""
        new_set = bool(receipt.attribution) and receipt.attribution not in self.sets
        set_fes = self.set_fes + (-(-len(receipt.attribution) // ENTRIES_PER_PART) if new_set else 0)
        payers = len(self.payers) + (receipt.payer not in self.payers)
        earliest = min(self.earliest, receipt.started_at)
        latest = max(self.latest, receipt.started_at)
        fits = (
            self.count < limits.max_receipts
            and payers <= limits.max_payers
            and layout.used_fes(self.count + 1, payers, set_fes) <= limits.max_fes
            and self.fee_units + receipt.fee_units <= MAX_U64
            and latest - earliest <= layout.MAX_TIME_OFFSET
            and (not self.sets or not receipt.attribution or receipt.made_by == self.made_by)
        )
        if fits:
            self.count += 1
            self.set_fes, self.earliest, self.latest = set_fes, earliest, latest
            self.fee_units += receipt.fee_units
            self.payers.add(receipt.payer)
            if receipt.attribution:
                self.sets.add(receipt.attribution)
                self.made_by = receipt.made_by
        return fits


def cut(waiting: Iterable[Waiting], limits: Limits) -> int:
    """How many receipts, from the first one on, make the next batch: as many as fit.

    At least one, if there is one: a single receipt always fits.
    """
    load = Load()
    for receipt in waiting:
        if not load.takes(receipt, limits):
            break
    return load.count
