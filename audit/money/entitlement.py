"""What each payee is owed, as exact fractions.

The rule of docs/spec/money.md, written as it is spoken: of every fee the protocol gets its ppm, the operator what neither
protocol nor royalty takes, and the royalty goes to the asset's payees, except for the data share of a receipt with an
attribution set, which goes to the payees of the datasets that it names. Fees that are divided alike are added up first.
Division into whole units happens once, when an amount is paid.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from audit.batch.sets import Entry
from audit.chain.assets import BY_OPERATOR, Asset, Terms
from audit.chain.lists import Lists, is_list
from ledger.protocol.units import PPM, SHARE_ONE

Part = tuple[bytes, Fraction, int]
"""(payee, of how much of a unit of fee, which share in units of 1e-12)."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Who runs the protocol, and its ppm of every fee."""

    payee: bytes
    ppm: int


class Use(NamedTuple):
    """What of a receipt decides who earns its fee."""

    asset_id: int
    terms_time: int
    fee_units: int
    entries: Sequence[Entry]
    """Its attribution set; empty for none."""


class Drawn(NamedTuple):
    """What fees are divided by: the asset that served and the dataset drawn on, each in a version of its terms.

    Dataset 0 in version 0 stands for the terms' own weights.
    """

    asset_id: int
    version: int
    dataset_id: int
    dataset_version: int


Weighed = Mapping[Drawn, Fraction]
"""Fee times weight, in base units, by what is drawn on; over all of it they sum to the fees."""


def weights(terms: Terms, entries: Sequence[Entry]) -> list[tuple[int, Fraction]]:
    """(dataset, weight) of a receipt; dataset 0 stands for the terms' own weights.

    A set counts only where the terms let operators attribute, and an entry only for a dataset that they admit.
    """
    if terms.mode != BY_OPERATOR or not entries:
        return [(0, Fraction(1))]
    return [(entry.asset_id if entry.asset_id in terms.datasets else 0, Fraction(entry.ppm, PPM)) for entry in entries]


def weigh(uses: Iterable[Use], assets: Mapping[int, Asset]) -> Weighed:
    """The fees of these receipts, by what they draw on at their terms times."""
    weighed: dict[Drawn, Fraction] = defaultdict(Fraction)
    for use in uses:
        terms = assets[use.asset_id].at(use.terms_time)
        for dataset_id, weight in weights(terms, use.entries):
            dataset_version = assets[dataset_id].at(use.terms_time).version if dataset_id else 0
            weighed[Drawn(use.asset_id, terms.version, dataset_id, dataset_version)] += use.fee_units * weight
    return weighed


@dataclass(slots=True)
class Entitlements:
    """What everybody is owed by the batches added so far."""

    assets: Mapping[int, Asset]
    protocol: Protocol
    lists: Lists = field(default_factory=dict)
    charged_units: Fraction = Fraction(0)
    """Sum of the fees that were divided."""
    _single: dict[bytes, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    _pots: dict[tuple[bytes, int], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    """By contributor list and its share: that of which its contributors have the share."""

    def add(self, operator: bytes, weighed: Weighed) -> None:
        """Divide an operator's weighed fees."""
        for drawn, fee in weighed.items():
            self.charged_units += fee
            for payee, part, share in self._parts_of_one(operator, drawn):
                if is_list(payee):
                    self._pots[payee, share] += fee * part
                else:
                    self._single[payee] += fee * part * Fraction(share, SHARE_ONE)

    def _parts_of_one(self, operator: bytes, drawn: Drawn) -> Iterator[Part]:
        """How one unit of fee is divided; the parts times their shares sum to one."""
        terms = self.assets[drawn.asset_id].terms[drawn.version - 1]
        protocol = Fraction(self.protocol.ppm, PPM)
        royalty = Fraction(terms.royalty_ppm, PPM)
        by_data = Fraction(terms.data_ppm, PPM) if drawn.dataset_id else Fraction(0)
        yield self.protocol.payee, protocol, SHARE_ONE
        yield operator, 1 - protocol - royalty, SHARE_ONE
        for payee, share in terms.shares:
            yield payee, royalty * (1 - by_data), share
        if drawn.dataset_id:
            for payee, share in self.assets[drawn.dataset_id].terms[drawn.dataset_version - 1].shares:
                yield payee, royalty * by_data, share

    @property
    def owed(self) -> dict[bytes, Fraction]:
        """What each payee is owed, contributors of lists among them."""
        owed = defaultdict(Fraction, self._single)
        for (payee, share), pot in self._pots.items():
            for contributor, part in self.lists[payee].divide(share) if payee in self.lists else ():
                owed[contributor] += pot * Fraction(part, SHARE_ONE)
        return dict(owed)

    def payable(self) -> dict[bytes, int]:
        """Whole units of each payee that has any: the one division, rounded down."""
        return {payee: int(amount) for payee, amount in self.owed.items() if amount >= 1}

    def dust(self) -> Fraction:
        """The fractional parts that rounding down leaves, all together."""
        return sum((amount - int(amount) for amount in self.owed.values()), Fraction(0))
