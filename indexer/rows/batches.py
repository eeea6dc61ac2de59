"""Rows of BlobInbox's and ReceiptLedger's events: posts, attestations, batches and their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.rows.buffer import bigint
from indexer.rows.context import Filling
from ledger.chain.events import blob_inbox
from ledger.chain.events import receipt_ledger as events
from ledger.db.models.indexer_batches import Batch, Charge
from ledger.db.models.indexer_blobs import DataCommitment, Post, PostAttestation
from ledger.errors import MalformedLogError
from ledger.protocol.batch import post_hash

if TYPE_CHECKING:
    from indexer.rows.context import Context, Event, Handlers

_OPEN: Final = dict.fromkeys(
    [
        *(f"{prefix}_{name}" for prefix in ("finalized", "voided") for name in ("block_number", "block_hash")),
        *(f"{prefix}_{name}" for prefix in ("finalized", "voided") for name in ("log_index", "at")),
        "voided_fault",
        "voided_challenger",
    ]
)


def blobs_posted(event: blob_inbox.BlobsPosted, at: Event, to: Context) -> None:
    if post_hash(event.versioned_hashes) != event.post_hash:
        raise MalformedLogError("A post's name is not the hash of its versioned hashes.")
    to.rows.add(
        Post,
        at.origin,
        post_hash=event.post_hash,
        poster=event.poster,
        l1_time=event.l1_time,
        versioned_hashes=list(event.versioned_hashes),
        tx_hash=at.tx_hash,
    )
    to.rows.wanted_posts[event.post_hash] = event.versioned_hashes


def blobs_attested(event: events.BlobsAttested, at: Event, to: Context) -> None:
    to.rows.add(PostAttestation, at.origin, post_hash=event.post_hash, l1_time=event.l1_time)


def batch_committed(event: events.BatchCommitted, at: Event, to: Context) -> None:
    _fill(event, at, to, Filling(0, event.committed_at))


def batch_unattested(event: events.BatchUnattested, at: Event, to: Context) -> None:
    to.rows.add(DataCommitment, at.origin, batch_id=bigint(event.batch_id), data_commitment=event.data_commitment)


def batch_refilled(event: events.BatchRefilled, at: Event, to: Context) -> None:
    before = to.filling(event.batch_id)
    _fill(event, at, to, Filling(before.fill + 1, before.first_committed_at))


def _fill(event: events.BatchCommitted | events.BatchRefilled, at: Event, to: Context, filling: Filling) -> None:
    header, post = event.header, post_hash(event.versioned_hashes)
    to.rows.add(
        Batch,
        at.origin,
        batch_id=bigint(event.batch_id),
        fill=filling.fill,
        tx_hash=at.tx_hash,
        operator=event.operator,
        lane=event.lane,
        first_seq=bigint(header.first_seq),
        count=header.count,
        payer_count=header.payer_count,
        set_fe_count=header.set_fe_count,
        total_fee_units=header.total_fee_units,
        blob_count=header.blob_count,
        base_time=header.base_time,
        attribution_method=header.attribution_method,
        attribution_params_hash=header.attribution_params_hash,
        batch_commitment=event.batch_commitment,
        post_hash=post,
        versioned_hashes=list(event.versioned_hashes),
        reserve_units=event.reserve_units,
        committed_at=event.committed_at,
        first_committed_at=filling.first_committed_at,
        terms_from=event.terms_from,
        attested_at=event.attested_at,
        verdict="pending",
        **_OPEN,
    )
    for position, charge in enumerate(event.charges):
        to.rows.add(
            Charge,
            at.origin,
            batch_id=event.batch_id,
            fill=filling.fill,
            position=position,
            payer=charge.payer,
            amount_units=charge.amount_units,
        )
    to.run_fillings[event.batch_id] = filling
    to.rows.wanted_posts[post] = event.versioned_hashes


def batch_finalized(event: events.BatchFinalized, at: Event, to: Context) -> None:
    to.rows.close(Batch, "finalized", at.origin, _newest(event.batch_id, to), at=at.timestamp)


def batch_voided(event: events.BatchVoided, at: Event, to: Context) -> None:
    to.rows.close(
        Batch,
        "voided",
        at.origin,
        _newest(event.batch_id, to),
        at=at.timestamp,
        fault=event.fault,
        challenger=event.challenger,
    )


def _newest(batch_id: int, to: Context) -> dict[str, int]:
    """Key of the batch's newest filling: the only one that can end."""
    return {"batch_id": batch_id, "fill": to.filling(batch_id).fill}


HANDLERS: Final[Handlers] = {
    blob_inbox.BlobsPosted: blobs_posted,
    events.BlobsAttested: blobs_attested,
    events.BatchCommitted: batch_committed,
    events.BatchUnattested: batch_unattested,
    events.BatchRefilled: batch_refilled,
    events.BatchFinalized: batch_finalized,
    events.BatchVoided: batch_voided,
}
