"""Rows of Operators' events; bonds are in the movements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.events import operators as events
from ledger.db.models.indexer_operators import LaneKey, Price

if TYPE_CHECKING:
    from indexer.rows.context import Context, Event, Handlers


def price_published(event: events.PricePublished, at: Event, to: Context) -> None:
    to.rows.add(
        Price,
        at.origin,
        operator=event.operator,
        asset_id=event.asset_id,
        input_price_units=event.input_price_units,
        output_price_units=event.output_price_units,
        effective_at=event.effective_at,
    )


def key_added(event: events.KeyAdded, at: Event, to: Context) -> None:
    to.rows.add(
        LaneKey,
        at.origin,
        operator=event.operator,
        lane=event.lane,
        key=event.key,
        added_at=event.at,
        revoked_at=None,
        revoked_block_number=None,
        revoked_block_hash=None,
        revoked_log_index=None,
    )


def key_revoked(event: events.KeyRevoked, at: Event, to: Context) -> None:
    key = {"operator": event.operator, "lane": event.lane, "key": event.key}
    to.rows.close(LaneKey, "revoked", at.origin, key, at=event.at)


HANDLERS: Final[Handlers] = {
    events.PricePublished: price_published,
    events.KeyAdded: key_added,
    events.KeyRevoked: key_revoked,
}
