"""Pulls the refunds of voided batches, whoever voided them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ledger.chain.structs import BatchStatus
from ledger.errors import ContractRevertedError
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.units import REPOST_DEADLINE_SECONDS
from watcher.batches import committed_batch, filling_at

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.chain.transaction import Call
    from watcher.chains import Chains
    from watcher.memory import BatchNote, MemoryFile
    from watcher.report import Report
    from watcher.sending import Outgoing

PAYERS_AT_ONCE: Final = 100
"""Refunds in one transaction: about 3 million gas."""


class Refunder:
    """Sees voided batches through to their last refund."""

    def __init__(self, chains: Chains, outgoing: Outgoing, file: MemoryFile, report: Report) -> None:
        """Take what it takes to pull refunds."""
        self._chains = chains
        self._outgoing = outgoing
        self._file = file
        self._report = report

    def look(self, batch_id: int, note: BatchNote, head: BlockRef) -> bool:
        """Whether refunds of a voided batch are on their way, or were found to be done."""
        if note.state != "voided":
            return False
        if note.voided_at:
            self._forget(batch_id, note, head)
            return False
        voided_at, outstanding = self._chains.ledger.voiding(batch_id, "latest")
        if not voided_at:
            return False  # its voiding was replaced; the next reading says so
        if not outstanding:
            return self._done(batch_id, note, voided_at)
        if self._outgoing.acting:
            return self._pull(batch_id, note)
        if note.told != "would_refund":
            note.told = "would_refund"
            self._report.tell("would_refund", batch_id=batch_id, payers=outstanding)
        return False

    def _pull(self, batch_id: int, note: BatchNote) -> bool:
        """Whether refunds are on their way; one part after the other, the last one is seen to later."""
        calls = self._calls(batch_id, note)
        for call, payers in calls:
            try:
                tx_hash = self._outgoing.send("refund", str(batch_id), call)
            except ContractRevertedError:
                return False  # filled again by now; the next reading says so
            if tx_hash is None:
                return False
            self._report.tell("refund_sent", batch_id=batch_id, payers=payers, tx_hash=tx_hash)
            if len(calls) > 1 and self._outgoing.outcome() is None:
                break
        return bool(calls)

    def _calls(self, batch_id: int, note: BatchNote) -> list[tuple[Call, int]]:
        event = filling_at(self._chains, batch_id, note.block, from_hex(note.batch_commitment, 32))
        if event is None:
            return []
        batch = committed_batch(event, note.first_committed_at)
        record = replace(batch.record, status=BatchStatus.VOIDED, reserve_units=0)
        found = []
        for first in range(0, len(batch.charges), PAYERS_AT_ONCE):
            payers = range(first, min(first + PAYERS_AT_ONCE, len(batch.charges)))
            call = self._chains.ledger.refund(
                batch_id, record, batch.header, batch.versioned_hashes, batch.charges, list(payers)
            )
            found.append((call, len(payers)))
        return found

    def _done(self, batch_id: int, note: BatchNote, voided_at: int) -> bool:
        note.voided_at, note.told = voided_at, "refunded"
        self._report.tell("refunded", batch_id=batch_id)
        self._file.save()
        return True

    def _forget(self, batch_id: int, note: BatchNote, head: BlockRef) -> None:
        """Once the hole is final, nothing can come of the batch any more."""
        is_settled = note.void_block < (self._file.memory.next_block or 0)
        if is_settled and head.timestamp > note.voided_at + REPOST_DEADLINE_SECONDS:
            del self._file.memory.batches[batch_id]
