"""What each payee is owed, as exact fractions, receipt by receipt.

The rule of DESIGN section 8, written as it is spoken: of every fee the protocol gets its ppm, the operator what neither
protocol nor royalty takes, and the royalty goes to the asset's payees, except for the data share of a receipt with an
attribution set, which goes to the payees of the datasets that it names. Division happens once, when an amount is paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from audit.batch.sets import Entry
from audit.chain.assets import BY_OPERATOR, Asset, Terms
from ledger.protocol.units import PPM, SHARE_ONE

Parts = tuple[tuple[bytes, Fraction], ...]
"""(payee, part) of one unit of fee; the parts sum to one."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Who runs the protocol, and its ppm of every fee."""

    payee: bytes
    ppm: int


@dataclass(slots=True)
class Entitlements:
    """Running sums by payee. `charged_units` is the sum of the fees that were split."""

    owed: dict[bytes, Fraction] = field(default_factory=dict)
    charged_units: int = 0

    def add(self, fee_units: int, weight: Fraction, parts: Parts) -> None:
        """Split `weight` of a fee."""
        for payee, part in parts:
            self.owed[payee] = self.owed.get(payee, Fraction(0)) + fee_units * weight * part

    def payable(self) -> dict[bytes, int]:
        """Whole units of each payee that has any: the one division, rounded down."""
        return {payee: int(amount) for payee, amount in self.owed.items() if amount >= 1}

    def dust(self) -> Fraction:
        """The fractional parts that rounding down leaves, all together."""
        return sum((amount - int(amount) for amount in self.owed.values()), Fraction(0))


class FeeSplitter:
    """Splits receipts' fees by the terms in force at their terms time."""

    def __init__(self, assets: Mapping[int, Asset], protocol: Protocol) -> None:
        """Take the histories that decide who gets what."""
        self._assets = assets
        self._protocol = protocol
        self._parts = lru_cache(maxsize=100_000)(self._parts_of_one)

    def split(
        self,
        entitlements: Entitlements,
        *,
        operator: bytes,
        asset_id: int,
        terms_time: int,
        fee_units: int,
        entries: Sequence[Entry],
    ) -> None:
        """Add one receipt's fee to the entitlements."""
        terms = self._assets[asset_id].at(terms_time)
        entitlements.charged_units += fee_units
        for dataset_id, weight in self.weights(terms, entries):
            version = self._assets[dataset_id].at(terms_time).version if dataset_id else 0
            entitlements.add(fee_units, weight, self._parts(operator, asset_id, terms.version, dataset_id, version))

    @staticmethod
    def weights(terms: Terms, entries: Sequence[Entry]) -> list[tuple[int, Fraction]]:
        """(dataset, weight) of a receipt; dataset 0 stands for the terms' own weights.

        A set counts only where the terms let operators attribute, and an entry only for a dataset that they admit.
        """
        if terms.mode != BY_OPERATOR or not entries:
            return [(0, Fraction(1))]
        return [
            (entry.asset_id if entry.asset_id in terms.datasets else 0, Fraction(entry.ppm, PPM)) for entry in entries
        ]

    def _parts_of_one(
        self, operator: bytes, asset_id: int, version: int, dataset_id: int, dataset_version: int
    ) -> Parts:
        """How one unit of fee is divided."""
        terms = self._assets[asset_id].terms[version - 1]
        protocol = Fraction(self._protocol.ppm, PPM)
        royalty = Fraction(terms.royalty_ppm, PPM)
        parts = {self._protocol.payee: protocol}
        parts[operator] = parts.get(operator, Fraction(0)) + 1 - protocol - royalty
        by_data = Fraction(terms.data_ppm, PPM) if dataset_id else Fraction(0)
        for payee, share in terms.shares:
            parts[payee] = parts.get(payee, Fraction(0)) + royalty * (1 - by_data) * Fraction(share, SHARE_ONE)
        if dataset_id:
            for payee, share in self._assets[dataset_id].terms[dataset_version - 1].shares:
                parts[payee] = parts.get(payee, Fraction(0)) + royalty * by_data * Fraction(share, SHARE_ONE)
        return tuple((payee, part) for payee, part in parts.items() if part)
