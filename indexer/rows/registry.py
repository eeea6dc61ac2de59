"""Rows of AttributionRegistry's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.events import attribution_registry as events
from ledger.chain.structs import AttributionMode, Kind
from ledger.db.models.indexer_registry import (
    AdmittedDataset,
    Asset,
    AssetOwner,
    EffectiveShare,
    Parent,
    Split,
    Terms,
)
from ledger.errors import MalformedLogError

if TYPE_CHECKING:
    from indexer.rows.context import Context, Event, Handlers

KINDS: Final = {Kind.MODEL: "model", Kind.ADAPTER: "adapter", Kind.DATASET: "dataset"}
MODES: Final = {AttributionMode.FIXED: "fixed", AttributionMode.OPERATOR: "operator"}


def asset_registered(event: events.AssetRegistered, at: Event, to: Context) -> None:
    kind = KINDS.get(event.kind)  # type: ignore[call-overload]
    if kind is None:
        raise MalformedLogError(f"There is no kind of asset {event.kind}.")
    to.rows.add(
        Asset,
        at.origin,
        asset_id=event.asset_id,
        kind=kind,
        content_hash=event.content_hash,
        registrant=event.owner,
        uri=event.uri,
    )
    to.rows.add(AssetOwner, at.origin, asset_id=event.asset_id, owner=event.owner)


def ownership_transferred(event: events.OwnershipTransferred, at: Event, to: Context) -> None:
    to.rows.add(AssetOwner, at.origin, asset_id=event.asset_id, owner=event.new_owner)


def terms_registered(event: events.TermsRegistered, at: Event, to: Context) -> None:
    terms = event.terms
    mode = MODES.get(terms.mode)  # type: ignore[call-overload]
    if mode is None:
        raise MalformedLogError(f"There is no attribution mode {terms.mode}.")
    version = {"asset_id": event.asset_id, "version": event.version}
    to.rows.add(
        Terms,
        at.origin,
        **version,
        effective_at=event.effective_at,
        royalty_ppm=terms.royalty_ppm,
        data_ppm=terms.data_ppm,
        min_child_ppm=terms.min_child_ppm,
        floor_input_price_units=terms.floor_input_price_units,
        floor_output_price_units=terms.floor_output_price_units,
        mode=mode,
    )
    for position, share in enumerate(terms.split):
        to.rows.add(Split, at.origin, **version, position=position, payee=share.payee, ppm=share.ppm)
    for position, parent in enumerate(terms.parents):
        to.rows.add(Parent, at.origin, **version, position=position, parent_asset_id=parent.asset_id, ppm=parent.ppm)
    for position, dataset_id in enumerate(terms.datasets):
        to.rows.add(AdmittedDataset, at.origin, **version, position=position, dataset_id=dataset_id)
    for position, effective in enumerate(event.effective_shares):
        to.rows.add(
            EffectiveShare, at.origin, **version, position=position, payee=effective.payee, share=effective.share
        )


HANDLERS: Final[Handlers] = {
    events.AssetRegistered: asset_registered,
    events.OwnershipTransferred: ownership_transferred,
    events.TermsRegistered: terms_registered,
}
