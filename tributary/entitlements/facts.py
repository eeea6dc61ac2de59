"""What the logs say, and a batch's blobs do not: which batches count, and the rules that they are judged by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from ledger.protocol.judging.rulebook import AssetHistory, PricePoint, Rulebook, TermsVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.verification.batch import CommittedBatch, Place
    from ledger.protocol.contributors import ContributorList
    from ledger.protocol.entitlement import ProtocolShare, RoyaltyTerms
    from settlement.scope import ThroughBlock

AssetVersion = tuple[int, int]
"""(asset id, number of a version of its terms)."""


class Published(NamedTuple):
    """A version of an asset's terms and where it was logged."""

    block_number: int
    log_index: int
    terms: TermsVersion


@dataclass(frozen=True, slots=True)
class Rules:
    """Terms and prices in the order in which they were logged: what every worker needs."""

    datasets: frozenset[int]
    versions: Mapping[int, Sequence[Published]]
    prices: Mapping[tuple[bytes, int], Sequence[tuple[int, PricePoint]]]
    """By (operator, asset id): (block number, price)."""

    def as_of(self, batch: CommittedBatch, asset_ids: Sequence[int]) -> Rulebook:
        """The rulebook for these assets at a batch's commit; an asset that was not there is not in it.

        Prices are those of the whole block: the contract knows them by their second alone.
        """
        known = {asset_id: self._before(batch.place, asset_id) for asset_id in asset_ids}
        return Rulebook(
            {asset_id: AssetHistory(asset_id in self.datasets, terms) for asset_id, terms in known.items() if terms},
            {asset_id: self._prices(batch, asset_id) for asset_id in asset_ids},
        )

    def _before(self, place: Place, asset_id: int) -> tuple[TermsVersion, ...]:
        here = (place.block_number, place.log_index)
        return tuple(p.terms for p in self.versions.get(asset_id, ()) if (p.block_number, p.log_index) < here)

    def _prices(self, batch: CommittedBatch, asset_id: int) -> tuple[PricePoint, ...]:
        published = self.prices.get((batch.header.operator, asset_id), ())
        return tuple(price for block, price in published if block <= batch.place.block_number)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the logs up to a finalised block say of entitlements."""

    through: ThroughBlock
    protocol: ProtocolShare
    rules: Rules
    royalties: Mapping[AssetVersion, RoyaltyTerms]
    """How each version of each asset's terms divides a fee."""
    batches: tuple[CommittedBatch, ...]
    """The filling of each batch that is finalised by then, in the order of their finalisation."""
    lists: Mapping[bytes, ContributorList] = field(default_factory=dict)
    """Complete contributor lists by payee address."""


@dataclass(slots=True)
class Registry:
    """Rules being read, log by log."""

    datasets: set[int] = field(default_factory=set)
    versions: dict[int, list[Published]] = field(default_factory=dict)
    prices: dict[tuple[bytes, int], list[tuple[int, PricePoint]]] = field(default_factory=dict)
    royalties: dict[AssetVersion, RoyaltyTerms] = field(default_factory=dict)

    def rules(self) -> Rules:
        """All of it, as read so far."""
        return Rules(frozenset(self.datasets), self.versions, self.prices)

    def add_terms(self, at: tuple[int, int], key: AssetVersion, terms: TermsVersion, royalty: RoyaltyTerms) -> None:
        """Takes in one version of an asset's terms, logged at (block number, log index)."""
        self.versions.setdefault(key[0], []).append(Published(*at, terms))
        self.royalties[key] = royalty
