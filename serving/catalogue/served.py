"""A model as it is pinned for one request."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.chain.structs import AttributionMode, Kind
from ledger.errors import UnknownModelError
from ledger.protocol.attribution.prior import NO_PRIOR, Prior
from ledger.protocol.units import fee_up
from serving.catalogue.local import LocalModel
from serving.onchain.reader import AssetFacts, PublishedPrice, Rules


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """What serves one request from admission to receipt, whatever changes meanwhile."""

    local: LocalModel
    asset_id: int
    price: PublishedPrice
    mode: AttributionMode
    admitted: frozenset[int] = frozenset()
    """Datasets that its attribution sets may name."""
    licensed: frozenset[int] = frozenset()
    """Assets that its terms admit, or that it descends from: their words in its answers are nothing to complain of."""
    prior: Prior = NO_PRIOR

    def fee_units(self, input_units: int, output_units: int) -> int:
        """The receipt's fee, rounded up once."""
        return fee_up(input_units, output_units, self.price.input_units, self.price.output_units)


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model with what the chain says of it; `facts` is None while its content is not registered."""

    local: LocalModel
    facts: AssetFacts | None
    base_asset_id: int | None

    def pin(self, now: int) -> PinnedModel:
        """The model at the price and rules in force.

        Raises:
            UnknownModelError: it can't be served now; the sentence says why.
        """
        reason = self.unservable(now)
        if self.facts is None or reason is not None:
            raise UnknownModelError(f"The model `{self.local.model_id}` is not served: {reason}.")
        rules = self.facts.rules.at(now)
        return PinnedModel(
            local=self.local,
            asset_id=self.facts.asset_id,
            price=self.facts.prices.at(now),
            mode=rules.mode,
            admitted=frozenset(rules.datasets),
            licensed=rules.lineage.union(rules.datasets),
            prior=self.facts.prior,
        )

    def unservable(self, now: int) -> str | None:
        """Why it can't be served, or None if it can."""
        if self.facts is None:
            return "its content is not registered on chain"
        if self.facts.asset.kind != self.local.kind:
            return f"its content is registered as a {Kind(self.facts.asset.kind).name.lower()}"
        price, rules = self.facts.prices.at(now), self.facts.rules.at(now)
        return _lineage_fault(self, rules) or _price_fault(price, rules)


def _lineage_fault(entry: CatalogueEntry, rules: Rules) -> str | None:
    if entry.local.kind is Kind.ADAPTER and entry.base_asset_id not in {p.asset_id for p in rules.parents}:
        return "the base model that this gateway runs is not its registered parent"
    return None


def _price_fault(price: PublishedPrice, rules: Rules) -> str | None:
    if price.input_units == 0 and price.output_units == 0:
        return "the operator has published no price for it"
    if price.input_units < rules.floor.input_units or price.output_units < rules.floor.output_units:
        return "the operator's price is below the floor in its terms"
    return None
