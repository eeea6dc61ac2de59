"""Judges a batch, and proves to the contract what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.structs import BatchStatus
from ledger.errors import BlobNotAvailableError, ContractRevertedError
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.units import PPM
from watcher.batches import committed_batch, data_commitments, filling_at
from watcher.calls import Openings, challenge_call
from watcher.demanding import answered_posts
from watcher.judging import proofs
from watcher.rules import rulebook

if TYPE_CHECKING:
    from collections.abc import Collection

    from ledger.chain.blocks import BlockRef
    from ledger.chain.contracts.challenges import CommittedBatch
    from ledger.chain.transaction import Call
    from ledger.protocol.judging.proof import Proof
    from ledger.protocol.judging.rulebook import Rulebook
    from watcher.blobs import Blobs
    from watcher.chains import Chains
    from watcher.memory import BatchNote, MemoryFile
    from watcher.receipts import Receipts
    from watcher.report import Report
    from watcher.sending import Outgoing

SLASH_REWARD_PPM = 200_000
"""The challenger's part of a slash (Operators.sol)."""


class Challenger:
    """Looks at batches one by one."""

    def __init__(
        self, chains: Chains, blobs: Blobs, receipts: Receipts, outgoing: Outgoing, file: MemoryFile, report: Report
    ) -> None:
        """Take what it takes to judge and to act."""
        self._chains = chains
        self._blobs = blobs
        self._receipts = receipts
        self._outgoing = outgoing
        self._file = file
        self._report = report

    def look(self, batch_id: int, note: BatchNote, head: BlockRef) -> bool:
        """Whether something came of looking at a batch: a verdict, or a challenge on its way.

        Raises:
            RpcUnavailableError: a node is away; nothing is lost.
        """
        signed = self._receipts.of_batch(note)
        is_told = note.state == "guilty" and not self._outgoing.acting
        is_known = note.state == "sound" and set(signed) <= set(note.receipts)
        if note.state in ("voided", "finalized") or is_told or is_known:
            return False
        event = filling_at(self._chains, batch_id, note.block, from_hex(note.batch_commitment, 32))
        if event is None:
            return False  # replaced just now; the next reading says by what
        batch = committed_batch(event, note.first_committed_at)
        if not self._is_open(batch):
            return False
        try:
            blobs = self._blobs.of(batch.versioned_hashes, *self._elsewhere(batch, note, head))
        except BlobNotAvailableError as error:
            self._tell_once(note, "blob_missing", batch_id=batch_id, reason=str(error))
            return False

        def rules(asset_ids: list[int]) -> Rulebook:
            return rulebook(self._chains, head, batch.header.operator, asset_ids, note.first_committed_at)

        openings = Openings(blobs)
        for proof in proofs(batch, blobs, list(signed.values()), rules):
            name = f"{proof.rule} {proof.positions}"
            if name in note.refused:
                continue
            call = challenge_call(self._chains.challenges, batch, proof, openings)
            verdict = self._prove(batch, note, proof, call)
            if verdict is not None:
                return verdict
            note.refused.append(name)
        self._sound(batch_id, note, signed)
        return True

    def _elsewhere(self, batch: CommittedBatch, note: BatchNote, head: BlockRef) -> tuple[list[bytes], list[bytes]]:
        """Where else the blobs of an unattested batch may be: in posts that answered demands, behind Alt-DA servers."""
        if batch.record.attested_at:
            return [], []
        posts = answered_posts(self._chains, batch.batch_id, note.block, head.number)
        return posts, data_commitments(self._chains, batch.batch_id, note.block)

    def _prove(self, batch: CommittedBatch, note: BatchNote, proof: Proof, call: Call) -> bool | None:
        """Whether a challenge is on its way; None if the contract does not take this proof."""
        try:
            price = self._outgoing.price(call)
        except ContractRevertedError as error:
            if not self._is_open(batch):
                return False  # somebody was first
            self._report.tell(
                "challenge_refused", challenge=proof.challenge.value, batch_id=batch.batch_id, reason=str(error)
            )
            return None
        note.state = "guilty"
        self._tell_once(note, "fault_found", batch_id=batch.batch_id, rule=str(proof.rule), detail=proof.detail)
        facts = {"challenge": proof.challenge.value, "batch_id": batch.batch_id}
        if not self._outgoing.acting:
            reward = batch.record.reserve_units * SLASH_REWARD_PPM // PPM
            self._report.tell("would_challenge", **facts, gas=price.gas, cost_wei=price.cost_wei, reward_units=reward)
            return True
        try:
            tx_hash = self._outgoing.send("challenge", str(batch.batch_id), call)
        except ContractRevertedError:
            return False  # somebody was first, since the estimate
        if tx_hash is not None:
            self._report.tell("challenge_sent", **facts, tx_hash=tx_hash)
        return tx_hash is not None

    def _is_open(self, batch: CommittedBatch) -> bool:
        try:
            status = self._chains.ledger.batch_status(batch.batch_id, batch.record, "latest")
        except ContractRevertedError:
            return False  # another record stands there: it was voided, or filled again
        return status is BatchStatus.OPEN

    def _sound(self, batch_id: int, note: BatchNote, signed: Collection[str]) -> None:
        if note.state != "sound":
            self._report.tell("batch_sound", batch_id=batch_id)
        note.state, note.receipts = "sound", list(signed)
        self._file.save()

    def _tell_once(self, note: BatchNote, event: str, **facts: object) -> None:
        if note.told != event:
            note.told = event
            self._report.tell(event, **facts)
