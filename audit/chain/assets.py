"""Assets and their terms, from the registry's logs alone; effective shares are computed again, not believed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from audit.chain.events import Event, of
from audit.chain.shares import effective_shares
from audit.difference import Differences, Place
from ledger.protocol.units import NOTICE_SECONDS

MODEL: Final = 1
ADAPTER: Final = 2
DATASET: Final = 3
BY_OPERATOR: Final = 1
"""Attribution mode in which receipts may carry sets."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of an asset's money rules."""

    version: int
    effective_at: int
    royalty_ppm: int
    data_ppm: int
    floor_input_price_units: int
    floor_output_price_units: int
    mode: int
    datasets: tuple[int, ...]
    shares: tuple[tuple[bytes, int], ...]
    """(payee, units of 1e-12), as this audit computes them."""


@dataclass(slots=True)
class Asset:
    """A registered model, adapter or dataset with its versions in order; `terms[0]` is version 1."""

    asset_id: int
    kind: int
    registered_at: tuple[int, int]
    """(block, log index): where in the chain it came to be."""
    terms: list[Terms] = field(default_factory=list)

    def at(self, second: int) -> Terms:
        """The newest version in force by `second`; the first if none is yet."""
        in_force = [terms for terms in self.terms if terms.effective_at <= second]
        return in_force[-1] if in_force else self.terms[0]


def read_assets(events: Iterable[Event], times: Mapping[int, int], differences: Differences) -> dict[int, Asset]:
    """Every asset by id, with each version's effective shares compared with those that the registry logged.

    Args:
        events: of all contracts, in chain order.
        times: Unix time of each block that holds an event.
        differences: where the audit's findings go.
    """
    assets: dict[int, Asset] = {}
    for event in of(events, "AttributionRegistry", "AssetRegistered", "TermsRegistered"):
        asset_id: int = event.args["assetId"]
        if event.name == "AssetRegistered":
            assets[asset_id] = Asset(asset_id, event.args["kind"], (event.block, event.index))
        else:
            _add_terms(assets, assets[asset_id], event, times[event.block], differences)
    return assets


def _add_terms(
    assets: Mapping[int, Asset], asset: Asset, event: Event, block_time: int, differences: Differences
) -> None:
    """Append the version in a TermsRegistered event to its asset."""
    place = Place("terms", f"asset {asset.asset_id}, terms version {event.args['version']}")
    stated: dict[str, Any] = event.args["terms"]
    shares = effective_shares(
        [(share["payee"], share["ppm"]) for share in stated["split"]],
        [(parent["ppm"], assets[parent["assetId"]].at(block_time).shares) for parent in stated["parents"]],
    )
    differences.compare(place, "version", len(asset.terms) + 1, event.args["version"])
    earliest = block_time + NOTICE_SECONDS if asset.terms else block_time
    if event.args["effectiveAt"] < earliest:
        differences.note(place, "effectiveAt", f"{earliest} or later", event.args["effectiveAt"])
    logged = tuple((share["payee"], share["share"]) for share in event.args["effectiveShares"])
    differences.compare(place, "effectiveShares", shares, logged)
    asset.terms.append(
        Terms(
            version=len(asset.terms) + 1,
            effective_at=event.args["effectiveAt"],
            royalty_ppm=stated["royaltyPpm"],
            data_ppm=stated["dataPpm"],
            floor_input_price_units=stated["floorInputPrice"],
            floor_output_price_units=stated["floorOutputPrice"],
            mode=stated["mode"],
            datasets=tuple(stated["datasets"]),
            shares=shares,
        )
    )
