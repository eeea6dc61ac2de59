"""What each payee is owed: exact sums over receipts, divided once.

An entitlement is a sum of fee x coefficient with fixed denominators, kept as an integer numerator
over 10^30 (`ENTITLEMENT_ONE`). Integers associate, so any order and any engine give the same.
Source: docs/spec/money.md.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from ledger.errors import OverAllocatedError
from ledger.protocol.attribution import BY_TERMS, SetEntry
from ledger.protocol.contributors import ContributorList, is_list_payee
from ledger.protocol.units import ENTITLEMENT_ONE, PPM, SHARE_ONE

_Key = TypeVar("_Key")

NO_LISTS: Final[Mapping[bytes, ContributorList]] = MappingProxyType({})
"""Contributor lists of terms that name none."""


class Share(NamedTuple):
    """A payee's part of an asset's own split, in ppm."""

    payee: bytes
    ppm: int


class EffectiveShare(NamedTuple):
    """A payee's part of all that an asset version earns, in units of 1e-12."""

    payee: bytes
    share: int


@dataclass(frozen=True, slots=True)
class RoyaltyTerms:
    """What the money rule needs of one version of an asset's terms."""

    royalty_ppm: int
    data_ppm: int
    by_attribution: bool
    """Attribution mode `operator`; in mode `fixed` sets carry no weight."""
    datasets: frozenset[int]
    effective: tuple[EffectiveShare, ...]


class WeightedFee(NamedTuple):
    """Sum of fee x weight (ppm) over receipts of one asset version drawing on one dataset version.

    dataset_id 0 with version 0 stands for "by the terms' weights".
    """

    operator: bytes
    asset_id: int
    asset_version: int
    dataset_id: int
    dataset_version: int
    weighted_fee_units: int


@dataclass(frozen=True, slots=True)
class ProtocolShare:
    """Who runs the protocol and its part of every fee; immutable in the ReceiptLedger."""

    payee: bytes
    ppm: int


def version_at(effective_at: Sequence[int], second: int) -> int:
    """Number (from 1) of the version in force: the newest one effective by then, else the first.

    Args:
        effective_at: each version's first second, rising; at least one.
        second: Unix time.
    """
    return max(1, bisect_right(effective_at, second))


def flatten(
    split: Sequence[Share], parents: Sequence[tuple[int, Sequence[EffectiveShare]]]
) -> tuple[EffectiveShare, ...]:
    """Effective shares of a new version: its own split and its parents', summing to 10^12.

    Parents take their ppm of the whole, each shared by its own effective shares; the rest is the
    split's. Every floor's remainder goes to the first payee of the pot that it came from. A payee
    that stands several times is merged where it first appears: own split first, then parents. A part
    of zero makes no entry.

    Args:
        split: own payees, ppm summing to PPM.
        parents: (ppm, the parent's effective shares) in the order of the terms.
    """
    merged: dict[bytes, int] = {}
    own_pot = SHARE_ONE - sum(ppm for ppm, _ in parents) * (SHARE_ONE // PPM)
    _share_out(merged, own_pot, PPM, split)
    for ppm, effective in parents:
        _share_out(merged, ppm * (SHARE_ONE // PPM), SHARE_ONE, effective)
    if sum(merged.values()) != SHARE_ONE:
        raise OverAllocatedError("effective shares do not sum to one")
    return tuple(EffectiveShare(payee, share) for payee, share in merged.items())


def _share_out(merged: dict[bytes, int], pot: int, whole: int, shares: Sequence[tuple[bytes, int]]) -> None:
    """Adds a pot's parts to `merged`, each rounded down, the remainder to the first payee."""
    parts = [pot * share // whole for _, share in shares]
    parts[0] += pot - sum(parts)
    for (payee, _), part in zip(shares, parts, strict=True):
        if part:
            merged[payee] = merged.get(payee, 0) + part


def weights(
    terms: RoyaltyTerms, entries: Sequence[SetEntry], dataset_version: Callable[[int], int]
) -> list[tuple[int, int, int]]:
    """(dataset_id, dataset_version, ppm) by which a receipt's fee counts; ppm sums to PPM.

    Args:
        terms: the served asset's terms at the receipt's terms time.
        entries: the receipt's attribution set; empty for none.
        dataset_version: version of a dataset in force at the terms time.
    """
    if not entries or not terms.by_attribution:
        return [(BY_TERMS, 0, PPM)]
    kept = [(asset_id, dataset_version(asset_id), ppm) for asset_id, ppm in entries if asset_id in terms.datasets]
    rest = PPM - sum(ppm for _, _, ppm in kept)
    return ([(BY_TERMS, 0, rest)] if rest else []) + kept


def certain_share(ppm: int, data_ppm: int, *, by_attribution: bool) -> int:
    """What a parent gets of a child's royalty whatever receipts' sets say, in units of 1e-12.

    The registry holds a parent's minChildPpm against it.

    Args:
        ppm: the parent's part by the child's terms.
        data_ppm: the part of the child's royalty that sets divide.
        by_attribution: attribution mode `operator`; in mode `fixed` sets divide nothing.
    """
    return ppm * (PPM - data_ppm if by_attribution else PPM)


def numerators(
    sums: Iterable[WeightedFee],
    terms: Mapping[tuple[int, int], RoyaltyTerms],
    protocol: ProtocolShare,
    lists: Mapping[bytes, ContributorList] = NO_LISTS,
) -> dict[bytes, int]:
    """Entitlement of every payee as a numerator over ENTITLEMENT_ONE.

    Args:
        sums: weighted fees, in any order and any grouping.
        terms: by (asset_id, version), for every asset and dataset version that `sums` names.
        protocol: the protocol's payee and share.
        lists: by payee address, every contributor list that those terms' effective shares name.
    """
    owed: dict[bytes, int] = {}
    pots: dict[tuple[int, int], int] = {}
    for row in sums:
        asset = terms[row.asset_id, row.asset_version]
        fee, whole = row.weighted_fee_units, PPM * SHARE_ONE
        _owe(owed, protocol.payee, fee * protocol.ppm * whole)
        _owe(owed, row.operator, fee * (PPM - protocol.ppm - asset.royalty_ppm) * whole)
        royalty = fee * asset.royalty_ppm
        by_data_ppm = 0 if row.dataset_id == BY_TERMS else asset.data_ppm
        _owe(pots, (row.asset_id, row.asset_version), royalty * (PPM - by_data_ppm))
        _owe(pots, (row.dataset_id, row.dataset_version), royalty * by_data_ppm)
    for version, pot in pots.items():
        for payee, share in holders(terms[version].effective, lists):
            _owe(owed, payee, pot * share)
    return owed


def holders(effective: Iterable[EffectiveShare], lists: Mapping[bytes, ContributorList]) -> Iterator[tuple[bytes, int]]:
    """(payee, share) with every contributor list divided among its contributors; the sum stays the same.

    A payee may stand several times. Raises KeyError for a list that is not among `lists`.
    """
    for payee, share in effective:
        if is_list_payee(payee):
            yield from lists[payee].divide(share)
        else:
            yield payee, share


def _owe(owed: dict[_Key, int], payee: _Key, amount: int) -> None:
    if amount:
        owed[payee] = owed.get(payee, 0) + amount


def floor_units(numerator: int) -> int:
    """Whole base units that an entitlement pays: the one division, rounded down."""
    return numerator // ENTITLEMENT_ONE


def dust_numerator(owed: Mapping[bytes, int]) -> int:
    """Sum of all fractional parts, over ENTITLEMENT_ONE: below one base unit a payee."""
    return sum(numerator % ENTITLEMENT_ONE for numerator in owed.values())
