"""Sees that kept receipts land, and has the operator pay for one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.errors import ContractRevertedError
from ledger.protocol.hexadecimal import from_hex
from watcher.receipts import due_at

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.protocol.receipt import SignedReceipt
    from watcher.chains import Chains
    from watcher.memory import MemoryFile
    from watcher.receipts import Lane, Receipts
    from watcher.report import Report
    from watcher.sending import Outgoing

LANDED, UNKNOWN, PENALIZED, WAITING, WOULD = "landed", "unknown", "penalized", "waiting", "would_penalize"
OF_THE_LANE: Final = ("ChallengePenaltyTooSoon", "ChallengeNothingToTake")
"""Refusals that hold for every receipt of a lane."""


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
        overdue = []
        for digest, signed in self._receipts.of_lane(lane).items():
            if signed.receipt.seq < next_seq:
                self._claimed(lane, digest, signed)
            elif head.timestamp > due_at(signed):
                overdue.append((digest, signed))
            else:
                self._note(digest, WAITING, "receipt_waiting", signed, due_at=due_at(signed))
        return self._penalize(overdue)

    def _claimed(self, lane: Lane, digest: str, signed: SignedReceipt) -> None:
        """A batch was committed over the receipt's seq: say how it stands there."""
        for batch_id, batch in self._file.memory.batches.items():
            is_its = (from_hex(batch.operator, 20), batch.lane) == lane
            if is_its and batch.first_seq <= signed.receipt.seq < batch.first_seq + batch.count:
                if batch.state == "sound" and digest in batch.receipts:
                    self._note(digest, LANDED, "receipt_landed", signed, batch_id=batch_id)
                return
        if self._file.memory.receipts.get(digest) not in (LANDED, PENALIZED):
            self._note(digest, UNKNOWN, "receipt_unknown", signed)

    def _penalize(self, overdue: list[tuple[str, SignedReceipt]]) -> bool:
        """Whether a penalty for the first of these receipts that the contract takes is on its way."""
        notes = self._file.memory.receipts
        for digest, signed in overdue:
            if notes.get(digest) == PENALIZED or notes.get(digest, "").startswith("ChallengeSigner"):
                continue
            if notes.get(digest) == WOULD and not self._outgoing.acting:
                return False
            call = self._chains.challenges.penalize_unposted(signed.receipt, signed.signature)
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
            return self._send(digest, signed)
        return False

    def _send(self, digest: str, signed: SignedReceipt) -> bool:
        call = self._chains.challenges.penalize_unposted(signed.receipt, signed.signature)
        try:
            tx_hash = self._outgoing.send("penalty", digest, call)
        except ContractRevertedError:
            return False  # somebody was first
        if tx_hash is not None:
            self._tell("penalty_sent", signed, tx_hash=tx_hash)
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
