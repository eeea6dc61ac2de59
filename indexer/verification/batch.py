"""A committed batch as the chain stated it: what its blobs are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.protocol.batch import BatchHeader, Charge


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event stands: rules are read as they were before it."""

    chain_id: int
    block_number: int
    block_hash: bytes
    log_index: int


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """One filling of a batch; terms and prices are judged by times from `terms_from` to `first_committed_at`."""

    batch_id: int
    fill: int
    place: Place
    header: BatchHeader
    charges: tuple[Charge, ...]
    versioned_hashes: tuple[bytes, ...]
    batch_commitment: bytes
    terms_from: int
    first_committed_at: int
