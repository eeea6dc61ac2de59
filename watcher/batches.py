"""Batches as the L2's logs tell them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.chain.contracts.challenges import CommittedBatch
from ledger.chain.events.receipt_ledger import (
    BatchCommitted,
    BatchFinalized,
    BatchRefilled,
    BatchUnattested,
    BatchVoided,
)
from ledger.chain.logs import Log, fetch_logs
from ledger.chain.structs import BatchRecord, BatchStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.chains import Chains

BLOCKS_AT_ONCE = 5_000
Filling = BatchCommitted | BatchRefilled


@dataclass(frozen=True, slots=True)
class Reading:
    """A part of the chain: the ledger's logs of batches in blocks `first` to `last`, in order."""

    first: int
    last: int
    logs: tuple[Log, ...]


def read_logs(chains: Chains, first: int, last: int) -> Iterator[Reading]:
    """What happened to batches in these blocks, a range at a time."""
    kinds = (BatchCommitted, BatchRefilled, BatchVoided, BatchFinalized)
    topics = [chains.ledger.abi.events[kind.__name__].topic for kind in kinds]
    while first <= last:
        until = min(first + BLOCKS_AT_ONCE - 1, last)
        raw_logs = fetch_logs(chains.l2, first, until, [chains.ledger.address], topics)
        yield Reading(first, until, tuple(chains.events.decode_known(raw_logs)))
        first = until + 1


def filling_at(chains: Chains, batch_id: int, block: int, batch_commitment: bytes) -> Filling | None:
    """The event of one filling of a batch, read again; None if the chain has it no more."""
    for reading in read_logs(chains, block, block):
        for log in reading.logs:
            event = log.event
            if isinstance(event, Filling) and (event.batch_id, event.batch_commitment) == (batch_id, batch_commitment):
                return event
    return None


def data_commitments(chains: Chains, batch_id: int, block: int) -> list[bytes]:
    """Under what another layer is said to hold the blobs of a batch that was committed unattested in this block."""
    topic = chains.ledger.abi.events["BatchUnattested"].topic
    raw_logs = fetch_logs(chains.l2, block, block, [chains.ledger.address], [topic])
    told = [log.event for log in chains.events.decode_known(raw_logs)]
    return [e.data_commitment for e in told if isinstance(e, BatchUnattested) and e.batch_id == batch_id]


def committed_batch(event: Filling, first_committed_at: int) -> CommittedBatch:
    """The batch as challenges take it, while it is open."""
    record = BatchRecord(
        status=BatchStatus.OPEN,
        operator=event.operator,
        lane=event.lane,
        first_seq=event.header.first_seq,
        count=event.header.count,
        total_fee_units=event.header.total_fee_units,
        reserve_units=event.reserve_units,
        first_committed_at=first_committed_at,
        committed_at=event.committed_at,
        terms_from=event.terms_from,
        attested_at=event.attested_at,
        batch_commitment=event.batch_commitment,
    )
    return CommittedBatch(event.batch_id, record, event.header, event.versioned_hashes, event.charges)
