"""Assets and their terms, from the registry's logs alone; effective shares are computed again, not believed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from audit.chain.events import Event, of
from audit.chain.lists import Lists, is_list
from audit.chain.shares import Shares, effective_shares
from audit.difference import Differences, Place
from ledger.protocol.units import NOTICE_SECONDS

MODEL: Final = 1
ADAPTER: Final = 2
DATASET: Final = 3
NO_LISTS: Final[Lists] = MappingProxyType({})
MAX_EFFECTIVE_SHARES: Final = 64
"""Of one version, over its split and all ancestors."""
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
    shares: Shares
    """As this audit computes them."""
    parent_shares: tuple[Shares, ...] = ()
    """What each parent counted as, in the order of the terms."""


@dataclass(slots=True)
class Asset:
    """A registered model, adapter or dataset with its versions in order; `terms[0]` is version 1."""

    asset_id: int
    kind: int
    registered_at: tuple[int, int]
    """(block, log index): where in the chain it came to be."""
    terms: list[Terms] = field(default_factory=list)
    content_hash: bytes = b""

    def at(self, second: int) -> Terms:
        """The newest version in force by `second`; the first if none is yet."""
        in_force = [terms for terms in self.terms if terms.effective_at <= second]
        return in_force[-1] if in_force else self.terms[0]


def read_assets(
    events: Iterable[Event], times: Mapping[int, int], differences: Differences, lists: Lists = NO_LISTS
) -> dict[int, Asset]:
    """Every asset by id, with each version's effective shares compared with those that the registry logged.

    Args:
        events: of all contracts, in chain order.
        times: Unix time of each block that holds an event.
        differences: where the audit's findings go.
        lists: complete contributor lists, which a split may name.
    """
    assets: dict[int, Asset] = {}
    for event in of(events, "AttributionRegistry", "AssetRegistered", "TermsRegistered"):
        asset_id: int = event.args["assetId"]
        if event.name == "AssetRegistered":
            content = bytes(event.args["contentHash"])
            assets[asset_id] = Asset(asset_id, event.args["kind"], (event.block, event.index), content_hash=content)
        elif asset_id in assets:
            terms = _read_terms(assets, len(assets[asset_id].terms) + 1, event, times[event.block], differences)
            assets[asset_id].terms.append(terms)
            _check_lists(event, lists, differences)
        else:
            differences.note(_place(event), "its asset", "registered before", "unknown")
    return {asset_id: asset for asset_id, asset in assets.items() if asset.terms}


def _check_lists(event: Event, lists: Lists, differences: Differences) -> None:
    """Notes every list that is named before it is complete: nobody could say whom it pays."""
    for share in event.args["effectiveShares"]:
        payee = share["payee"]
        if is_list(payee) and (payee not in lists or (lists[payee].completed_at or ()) >= (event.block, event.index)):
            differences.note(_place(event), "payee", "somebody, or a complete contributor list", payee)


def _place(event: Event) -> Place:
    """Where the audit says it is, speaking of a TermsRegistered event."""
    return Place("terms", f"asset {event.args['assetId']}, terms version {event.args['version']}")


def _read_terms(
    assets: Mapping[int, Asset], version: int, event: Event, block_time: int, differences: Differences
) -> Terms:
    """The terms in an event, which must be version `version` of their asset."""
    place, stated, effective_at = _place(event), event.args["terms"], event.args["effectiveAt"]
    differences.compare(place, "version", version, event.args["version"])
    earliest = block_time + NOTICE_SECONDS if version > 1 else block_time
    if effective_at < earliest:
        differences.note(place, "effectiveAt", f"{earliest} or later", effective_at)
    datasets = tuple(stated["datasets"])
    shares, parent_shares = _shares(assets, event, block_time, differences)
    for asset_id in datasets:
        if asset_id not in assets or assets[asset_id].kind != DATASET:
            differences.note(place, "datasets", "registered datasets", asset_id)
    return Terms(
        version=version,
        effective_at=effective_at,
        royalty_ppm=stated["royaltyPpm"],
        data_ppm=stated["dataPpm"],
        floor_input_price_units=stated["floorInputPrice"],
        floor_output_price_units=stated["floorOutputPrice"],
        mode=stated["mode"],
        datasets=tuple(asset_id for asset_id in datasets if has_terms(assets, asset_id)),
        shares=shares,
        parent_shares=parent_shares,
    )


def _shares(
    assets: Mapping[int, Asset], event: Event, block_time: int, differences: Differences
) -> tuple[Shares, tuple[Shares, ...]]:
    """(the version's effective shares, what each parent counted as), computed from split and parents.

    A parent counts as its version in force in that block; where that makes more payees than a version may have, the
    parents of the version before count as they did there.
    """
    stated: dict[str, Any] = event.args["terms"]
    logged = tuple((share["payee"], share["share"]) for share in event.args["effectiveShares"])
    unknown = [parent["assetId"] for parent in stated["parents"] if not has_terms(assets, parent["assetId"])]
    if unknown:
        differences.note(_place(event), "parents", "registered assets", unknown)
        return logged, ()
    split = [(share["payee"], share["ppm"]) for share in stated["split"]]
    ppms = [parent["ppm"] for parent in stated["parents"]]
    ancestors = tuple(assets[parent["assetId"]].at(block_time).shares for parent in stated["parents"])
    shares = effective_shares(split, zip(ppms, ancestors, strict=True))
    earlier = assets[event.args["assetId"]].terms
    if len(shares) > MAX_EFFECTIVE_SHARES and earlier:
        before = earlier[-1].parent_shares
        ancestors = (*before, *ancestors[len(before) :])
        shares = effective_shares(split, zip(ppms, ancestors, strict=True))
    differences.compare(_place(event), "effectiveShares", shares, logged)
    return shares, ancestors


def has_terms(assets: Mapping[int, Asset], asset_id: int) -> bool:
    """Whether there is such an asset, with at least one version of terms."""
    return asset_id in assets and bool(assets[asset_id].terms)
