"""Rows of RoyaltyDistributor's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.rows.buffer import bigint
from ledger.chain.events import royalty_distributor as events
from ledger.db.models.indexer_distribution import Claim, DistributionRoot, Recipient, SkippedClaim

if TYPE_CHECKING:
    from indexer.rows.context import Context, Event, Handlers


def root_submitted(event: events.RootSubmitted, at: Event, to: Context) -> None:
    to.rows.add(
        DistributionRoot,
        at.origin,
        root_index=bigint(event.root_index),
        root=event.root,
        total_cumulative_units=event.total_cumulative_units,
        through_l2_block=bigint(event.through_l2_block),
        through_l2_block_hash=event.through_l2_block_hash,
        data_hash=event.data_hash,
        activates_at=event.activates_at,
        attesters=list(event.attesters),
        tx_hash=at.tx_hash,
        disabled_by=None,
        disabled_block_number=None,
        disabled_block_hash=None,
        disabled_log_index=None,
    )


def root_disabled(event: events.RootDisabled, at: Event, to: Context) -> None:
    to.rows.close(DistributionRoot, "disabled", at.origin, {"root_index": event.root_index}, by=event.attester)


def claimed(event: events.Claimed, at: Event, to: Context) -> None:
    to.rows.add(
        Claim,
        at.origin,
        payee=event.payee,
        recipient=event.recipient,
        root_index=bigint(event.root_index),
        amount_units=event.amount_units,
        cumulative_units=event.cumulative_units,
        tx_hash=at.tx_hash,
    )


def claim_skipped(event: events.ClaimSkipped, at: Event, to: Context) -> None:
    to.rows.add(SkippedClaim, at.origin, payee=event.payee, root_index=bigint(event.root_index), reason=event.reason)


def recipient_set(event: events.RecipientSet, at: Event, to: Context) -> None:
    to.rows.add(Recipient, at.origin, payee=event.payee, recipient=event.recipient)


HANDLERS: Final[Handlers] = {
    events.RootSubmitted: root_submitted,
    events.RootDisabled: root_disabled,
    events.Claimed: claimed,
    events.ClaimSkipped: claim_skipped,
    events.RecipientSet: recipient_set,
}
