"""Finds a batch that the ledger has already and the database does not remember committing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.events.receipt_ledger import BatchCommitted
from ledger.chain.logs import fetch_logs

if TYPE_CHECKING:
    from batcher.parts import Parts, View
    from ledger.db.models.batcher import BatchJob

_BLOCKS_AT_ONCE = 5_000


def find_commit(parts: Parts, job: BatchJob, view: View) -> BatchCommitted | None:
    """The event by which this very batch was committed, newest blocks first; None if another one was.

    Needed only after a database was restored from a backup; then it reads back to the deployment, at worst.
    """
    chains = parts.chains
    topic = chains.ledger.abi.events["BatchCommitted"].topic
    last = view.head.number
    while last >= chains.deployment.l2.deployed_at_block:
        first = max(last - _BLOCKS_AT_ONCE + 1, chains.deployment.l2.deployed_at_block)
        raw_logs = fetch_logs(chains.l2.rpc, first, last, [chains.ledger.address], [topic])
        for entry in chains.events.decode_known(raw_logs):
            event = entry.event
            if isinstance(event, BatchCommitted) and event.batch_commitment == job.batch_commitment:
                return event
        last = first - 1
    return None
