"""The registry and the price list at a batch's terms times, as the contracts themselves answer.

Challenges ask the same views, so what is found here is what a challenge will find.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.structs import AttributionMode, Kind
from ledger.protocol.judging.rulebook import AssetHistory, PricePoint, Rulebook, TermsVersion
from ledger.protocol.units import POST_DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.chain.blocks import BlockRef
    from watcher.chains import Chains

_NO_TERMS = TermsVersion(0, 0, 0, by_attribution=False, datasets=frozenset())


def rulebook(
    chains: Chains, head: BlockRef, operator: bytes, asset_ids: Iterable[int], first_committed_at: int
) -> Rulebook:
    """What a batch is judged by: these assets' versions, and the operator's prices, in the time that counts for it.

    Args:
        chains: where to ask.
        head: the block at which to ask; past times read the same at every later one.
        operator: whose prices.
        asset_ids: what the receipts name.
        first_committed_at: second of the batch's first commit.
    """
    since = first_committed_at - POST_DEADLINE_SECONDS
    ids = list(asset_ids)
    kinds = zip(ids, chains.registry.kinds_of(ids, head), strict=True)
    histories = {i: _history(chains, head, i, kind, (since, first_committed_at)) for i, kind in kinds}
    assets = {asset_id: history for asset_id, history in histories.items() if history is not None}
    prices = {asset_id: _prices(chains, head, operator, asset_id, since, first_committed_at) for asset_id in assets}
    return Rulebook(assets, prices)


def _history(
    chains: Chains, head: BlockRef, asset_id: int, kind: Kind, seconds: tuple[int, int]
) -> AssetHistory | None:
    """The asset with the versions in force between both seconds; None if it was not registered by the second one."""
    registry, (since, until) = chains.registry, seconds
    if kind is Kind.NONE or registry.terms_effective_at(asset_id, 1, head) > until:
        return None
    first, last = (registry.terms_version_at(asset_id, second, head) for second in (since, until))
    in_force = tuple(_version(chains, head, asset_id, version) for version in range(first, last + 1))
    # Versions are told by their number; those before the first are in force at none of these times.
    return AssetHistory(kind is Kind.DATASET, (_NO_TERMS,) * (first - 1) + in_force)


def _version(chains: Chains, head: BlockRef, asset_id: int, version: int) -> TermsVersion:
    terms = chains.registry.terms(asset_id, version, head)
    return TermsVersion(
        chains.registry.terms_effective_at(asset_id, version, head),
        terms.floor_input_price_units,
        terms.floor_output_price_units,
        terms.mode == AttributionMode.OPERATOR,
        frozenset(terms.datasets),
    )


def _prices(
    chains: Chains, head: BlockRef, operator: bytes, asset_id: int, since: int, until: int
) -> tuple[PricePoint, ...]:
    """The prices in force between both seconds, oldest first: each one's beginning leads to the one before it."""
    points: list[PricePoint] = []
    second = until
    while second >= 0:
        price = chains.operators.price_at(operator, asset_id, second, head)
        if price.effective_at == 0:
            break
        points.append(PricePoint(price.effective_at, price.input_price_units, price.output_price_units))
        if price.effective_at <= since:
            break
        second = price.effective_at - 1
    return tuple(reversed(points))
