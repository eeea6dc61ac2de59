"""Follows the ledger's logs, and knows of each batch whether it still has to be looked at.

Blocks are read for good once they are safe; those above are read anew each time, so that a reorg can't hide a batch
or leave one behind that is no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.chain.blocks import block_at
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized, BatchRefilled, BatchVoided
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.units import DAY_SECONDS
from watcher.batches import read_logs
from watcher.blocks import first_block_since
from watcher.memory import BatchNote

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.chain.logs import Log
    from watcher.chains import Chains
    from watcher.memory import MemoryFile
    from watcher.report import Report

LOOKBACK_SECONDS: Final = 21 * DAY_SECONDS
"""How far back a new watcher begins: two windows and two refills; blobs are kept for 18 days."""

VOID: Final = "void"
"""Stands for a voiding among the commitments that were seen."""


class Follower:
    """Takes logs into the memory."""

    def __init__(self, chains: Chains, file: MemoryFile, report: Report) -> None:
        """Take the chain to follow and the memory to keep."""
        self._chains = chains
        self._file = file
        self._report = report

    def follow(self, head: BlockRef) -> None:
        """Bring the memory up to a block.

        Raises:
            RpcUnavailableError: the node is away; what was read stays.
        """
        memory = self._file.memory
        if memory.next_block is None:
            memory.next_block = self._beginning(head)
        first, seen = memory.next_block, set[tuple[int, str]]()
        settled = min(block_at(self._chains.l2, "safe").number, head.number)
        for reading in read_logs(self._chains, first, head.number):
            for log in reading.logs:
                self._take(log, seen)
            memory.next_block = max(memory.next_block, min(reading.last, settled) + 1)
            if reading.last < head.number:
                self._file.save()
        self._drop_replaced(first, seen)
        self._file.save()

    def _beginning(self, head: BlockRef) -> int:
        since = first_block_since(self._chains.l2, head.timestamp - LOOKBACK_SECONDS).number
        return max(since, self._chains.deployment.l2.deployed_at_block)

    def _take(self, log: Log, seen: set[tuple[int, str]]) -> None:
        batches, event = self._file.memory.batches, log.event
        if isinstance(event, BatchCommitted | BatchRefilled):
            seen.add((event.batch_id, to_hex(event.batch_commitment)))
            known = batches.get(event.batch_id)
            place = (log.block_number, to_hex(event.batch_commitment))
            if known is None or (known.block, known.batch_commitment) != place:
                batches[event.batch_id] = self._note(log, event, known)
        elif isinstance(event, BatchVoided) and event.batch_id in batches:
            note = batches[event.batch_id]
            note.state, note.void_block = "voided", log.block_number
            seen.add((event.batch_id, VOID))
            self._tell_void(event, note)
        elif isinstance(event, BatchFinalized):
            batches.pop(event.batch_id, None)

    def _note(self, log: Log, event: BatchCommitted | BatchRefilled, known: BatchNote | None) -> BatchNote:
        first_block, first_time = log.block_number, event.committed_at
        if isinstance(event, BatchRefilled):
            first_block, first_time = self._first_commit(event.batch_id, log.block_number, known)
        return BatchNote(
            operator=to_hex(event.operator),
            lane=event.lane,
            first_seq=event.header.first_seq,
            count=event.header.count,
            batch_commitment=to_hex(event.batch_commitment),
            block=log.block_number,
            first_block=first_block,
            first_committed_at=first_time,
            committed_at=event.committed_at,
        )

    def _first_commit(self, batch_id: int, before: int, known: BatchNote | None) -> tuple[int, int]:
        """Block and second of a refilled batch's first commit, read from the chain if it was before this watch."""
        if known is not None:
            return known.first_block, known.first_committed_at
        for reading in read_logs(self._chains, self._chains.deployment.l2.deployed_at_block, before):
            for log in reading.logs:
                if isinstance(log.event, BatchCommitted) and log.event.batch_id == batch_id:
                    return log.block_number, log.event.committed_at
        raise AssertionError  # the ledger refills only what it committed

    def _tell_void(self, event: BatchVoided, note: BatchNote) -> None:
        line = f"voided {to_hex(event.challenger)}"
        if note.told not in (line, "refunded"):
            note.told = line
            fault = event.fault.rstrip(b"\0").decode("ascii", "replace")
            self._report.tell("batch_voided", batch_id=event.batch_id, fault=fault, challenger=event.challenger)

    def _drop_replaced(self, first: int, seen: set[tuple[int, str]]) -> None:
        """Forget fillings and voidings whose block was replaced; a batch that stood before is read from its beginning."""
        memory = self._file.memory
        for batch_id, note in list(memory.batches.items()):
            if note.state == "voided" and note.void_block >= first and (batch_id, VOID) not in seen:
                note.state, note.told, note.voided_at = "waiting", "", 0
            if note.block >= first and (batch_id, note.batch_commitment) not in seen:
                del memory.batches[batch_id]
                memory.next_block = min(memory.next_block or 0, note.first_block)
