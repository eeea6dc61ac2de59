"""Rows of AttributionRegistry's contributor lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.events import attribution_registry as events
from ledger.db.models.indexer_contributors import Contributor, ContributorList
from ledger.protocol.contributors import list_payee, read_row

if TYPE_CHECKING:
    from indexer.rows.context import Context, Event, Handlers

_OPEN: Final = dict.fromkeys(("completed_block_number", "completed_block_hash", "completed_log_index"))


def contributors_opened(event: events.ContributorsOpened, at: Event, to: Context) -> None:
    to.rows.add(
        ContributorList,
        at.origin,
        list_id=event.list_id,
        payee=list_payee(event.list_id),
        publisher=event.publisher,
        root=event.root,
        count=event.count,
        total_weight=event.total_weight,
        **_OPEN,
    )


def contributors_published(event: events.ContributorsPublished, at: Event, to: Context) -> None:
    cumulative = event.weight_before
    for position, row in enumerate(event.rows, start=event.first):
        contributor = read_row(row)
        cumulative += contributor.weight
        to.rows.add(
            Contributor,
            at.origin,
            list_id=event.list_id,
            position=position,
            contributor=contributor.address,
            weight=contributor.weight,
            cumulative_weight=cumulative,
        )


def contributors_completed(event: events.ContributorsCompleted, at: Event, to: Context) -> None:
    """Closes the list; that its rows are all there and fit is checked when they are written."""
    to.rows.close(ContributorList, "completed", at.origin, {"list_id": event.list_id})


HANDLERS: Final[Handlers] = {
    events.ContributorsOpened: contributors_opened,
    events.ContributorsPublished: contributors_published,
    events.ContributorsCompleted: contributors_completed,
}
