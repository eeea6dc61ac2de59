"""Sees that kept receipts land, and has the operator pay for one that does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.chain.structs import BatchRecord, BatchStatus
from ledger.errors import ContractRevertedError
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS
from watcher.batches import committed_batch, filling_at
from watcher.receipts import due_at

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.chain.transaction import Call
    from ledger.protocol.receipt import SignedReceipt
    from watcher.chains import Chains
    from watcher.memory import BatchNote, MemoryFile
    from watcher.receipts import Lane, Receipts
    from watcher.report import Report
    from watcher.sending import Outgoing

LANDED, UNKNOWN, PENALIZED, WAITING, WOULD = "landed", "unknown", "penalized", "waiting", "would_penalize"
OF_THE_LANE: Final = ("ChallengePenaltyTooSoon", "ChallengeNothingToTake")
"""Refusals that hold for every receipt of a lane."""


NO_RECORD: Final = BatchRecord(0, bytes(20), 0, 0, 0, 0, 0, 0, 0, 0, 0, bytes(32))


class Penalty(NamedTuple):
    """A receipt that the operator may have to pay for, and the call that makes it."""

    digest: str
    signed: SignedReceipt
    call: Call


class Landing:
    """Looks at the receipts of each lane."""

    def __init__(
        self, chains: Chains, receipts: Receipts, outgoing: Outgoing, file: MemoryFile, report: Report
    ) -> None:
        """Take what it takes to see receipts land."""
        self._chains = chains
        self._receipts = receipts
        self._outgoing = outgoing
        self._file = file
        self._report = report

    def look(self, head: BlockRef) -> bool:
        """Whether a penalty is on its way."""
        return any(self._look(lane, head) for lane in self._receipts.lanes())

    def _look(self, lane: Lane, head: BlockRef) -> bool:
        next_seq = self._chains.ledger.next_seq(*lane, head)
        due: list[Penalty] = []
        for digest, signed in self._receipts.of_lane(lane).items():
            call = None
            if signed.receipt.seq < next_seq:
                call = self._claimed(lane, digest, signed)
            elif head.timestamp > due_at(signed):
                call = self._chains.challenges.penalize_unposted(signed.receipt, signed.signature)
            else:
                self._note(digest, WAITING, "receipt_waiting", signed, due_at=due_at(signed))
            if call is not None:
                due.append(Penalty(digest, signed, call))
        return self._penalize(due)

    def _claimed(self, lane: Lane, digest: str, signed: SignedReceipt) -> Call | None:
        """A batch was committed over the receipt's seq: say how it stands there.

        Returns:
            The penalty, if that was before the answer began: then the seq was never the receipt's to have.
        """
        receipt, by = signed.receipt, signed.receipt.started_at - CLOCK_TOLERANCE_SECONDS - 1
        for batch_id, batch in self._file.memory.batches.items():
            is_its = (from_hex(batch.operator, 20), batch.lane) == lane
            if is_its and batch.first_seq <= receipt.seq < batch.first_seq + batch.count:
                if batch.first_committed_at <= by:
                    return self._consumed(signed, batch_id, batch)
                if batch.state == "sound" and digest in batch.receipts:
                    self._note(digest, LANDED, "receipt_landed", signed, batch_id=batch_id)
                return None
        if self._file.memory.receipts.get(digest) in (LANDED, PENALIZED, UNKNOWN):
            return None
        if receipt.seq < self._chains.ledger.seq_reached_by(receipt.operator, receipt.lane, max(by, 0), "latest"):
            return self._chains.challenges.penalize_consumed(receipt, signed.signature, 0, NO_RECORD)
        self._note(digest, UNKNOWN, "receipt_unknown", signed)
        return None

    def _consumed(self, signed: SignedReceipt, batch_id: int, note: BatchNote) -> Call | None:
        event = filling_at(self._chains, batch_id, note.block, from_hex(note.batch_commitment, 32))
        if event is None:
            return None  # replaced just now; the next reading says by what
        record = committed_batch(event, note.first_committed_at).record
        if note.state == "voided":
            record = replace(record, status=BatchStatus.VOIDED, reserve_units=0)
        return self._chains.challenges.penalize_consumed(signed.receipt, signed.signature, batch_id, record)

    def _penalize(self, due: list[Penalty]) -> bool:
        """Whether the first of these penalties that the contract takes is on its way."""
        notes = self._file.memory.receipts
        for penalty in due:
            digest, signed, call = penalty
            if notes.get(digest) == PENALIZED or notes.get(digest, "").startswith("ChallengeSigner"):
                continue
            if notes.get(digest) == WOULD and not self._outgoing.acting:
                return False
            try:
                price = self._outgoing.price(call)
            except ContractRevertedError as error:
                self._note(digest, error.error_name or "reverted", "penalty_refused", signed, reason=str(error))
                if error.error_name in OF_THE_LANE:
                    return False
                continue
            if not self._outgoing.acting:
                self._note(digest, WOULD, "would_penalize", signed, gas=price.gas, cost_wei=price.cost_wei)
                return False
            return self._send(penalty)
        return False

    def _send(self, penalty: Penalty) -> bool:
        try:
            tx_hash = self._outgoing.send("penalty", penalty.digest, penalty.call)
        except ContractRevertedError:
            return False  # somebody was first
        if tx_hash is not None:
            self._tell("penalty_sent", penalty.signed, tx_hash=tx_hash)
        return tx_hash is not None

    def _note(self, digest: str, state: str, event: str, signed: SignedReceipt, **facts: object) -> None:
        """Remember, and tell what is news."""
        if self._file.memory.receipts.get(digest) != state:
            self._file.memory.receipts[digest] = state
            self._tell(event, signed, **facts)

    def _tell(self, event: str, signed: SignedReceipt, **facts: object) -> None:
        self._report.tell(
            event, operator=signed.receipt.operator, lane=signed.receipt.lane, seq=signed.receipt.seq, **facts
        )
