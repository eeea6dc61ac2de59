"""Blobs of batches that were committed unattested: demanded on L1 where nobody has them, at the price of a deposit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.abi import load_abi
from ledger.chain.contracts.blob_demands import BlobDemands
from ledger.chain.contracts.token import Token
from ledger.chain.events.blob_demands import DemandAnswered
from ledger.chain.logs import LogDecoder, fetch_logs
from ledger.chain.structs import DemandStatus
from ledger.errors import ContractRevertedError
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.units import CHALLENGE_WINDOW_SECONDS
from watcher.batches import BLOCKS_AT_ONCE, committed_batch, data_commitments, filling_at

if TYPE_CHECKING:
    from ledger.chain.blocks import BlockRef
    from ledger.chain.contracts.challenges import CommittedBatch
    from ledger.chain.transaction import Call
    from watcher.blobs import Blobs
    from watcher.chains import Chains
    from watcher.memory import BatchNote, MemoryFile
    from watcher.report import Report
    from watcher.sending import Outgoing
    from watcher.settings import WatcherSettings


class _Step(NamedTuple):
    """A call about a demand, and what is told of it."""

    event: str
    call: Call
    blob: int


class Demander:
    """Sees demands through: made, voided when they are not answered, and the deposit taken back."""

    def __init__(
        self,
        chains: Chains,
        blobs: Blobs,
        outgoing: Outgoing,
        file: MemoryFile,
        report: Report,
        settings: WatcherSettings,
    ) -> None:
        """Take what it takes to demand; without `settings.demand` nothing new is demanded."""
        self._chains = chains
        self._blobs = blobs
        self._outgoing = outgoing
        self._file = file
        self._report = report
        self._settings = settings
        self._demands = BlobDemands(chains.l2, chains.deployment.l2.blob_demands)
        self._token = Token(chains.l2, chains.deployment.l2.token)

    def look(self, batch_id: int, note: BatchNote, head: BlockRef) -> bool:
        """Whether a transaction about a demand for a blob of this batch is on its way."""
        wants = self._settings.demand and note.state == "waiting" and note.told == "blob_missing"
        if not (wants or note.demanded):
            return False
        event = filling_at(self._chains, batch_id, note.block, from_hex(note.batch_commitment, 32))
        if event is None or event.attested_at:
            return False
        batch = committed_batch(event, note.first_committed_at)
        step = self._reclaim(batch_id, note) if note.state == "voided" else self._next(batch, note, head)
        return step is not None and self._take(batch_id, note, step)

    def _next(self, batch: CommittedBatch, note: BatchNote, head: BlockRef) -> _Step | None:
        """What is to be done now about the first blob that needs anything."""
        record_hash = self._chains.ledger.batch_hash(batch.batch_id, "latest")
        posts = answered_posts(self._chains, batch.batch_id, note.block, head.number)
        commitments = data_commitments(self._chains, batch.batch_id, note.block)
        missing = self._blobs.missing(batch.versioned_hashes, posts, commitments)
        note.demanded = {blob: name for blob, name in note.demanded.items() if blob in missing}
        for blob in missing:
            demand = self._demands.demand_of(batch.batch_id, record_hash, blob, "latest")
            if demand.status == DemandStatus.OPEN and head.timestamp > demand.due_at:
                return _Step("withheld_sent", self._demands.void_withheld(batch, blob), blob)
            is_early = head.timestamp <= batch.record.committed_at + CHALLENGE_WINDOW_SECONDS
            if demand.status == DemandStatus.NONE and self._settings.demand and is_early:
                return self._demand(batch, note, blob, record_hash)
        return None

    def _demand(self, batch: CommittedBatch, note: BatchNote, blob: int, record_hash: bytes) -> _Step | None:
        """The demand, or first the approval of its deposit; None if that is more than may be out."""
        deposit = self._demands.deposit_units("latest")
        out = deposit * sum(len(other.demanded) for other in self._file.memory.batches.values())
        if out + deposit > self._settings.demand_budget_units:
            reason = f"{out} units are out in deposits; WATCHER_DEMAND_BUDGET_UNITS allows no more."
            self._report.tell("limit_reached", reason=reason)
            return None
        me = self._chains.account.address
        if self._token.allowance(me, self._demands.address, "latest") < deposit:
            return _Step("deposit_approved", self._token.approve(self._demands.address, deposit), blob)
        if self._outgoing.acting:
            note.demanded[blob] = to_hex(record_hash)
        return _Step("demand_sent", self._demands.demand_blob(batch, blob), blob)

    def _reclaim(self, batch_id: int, note: BatchNote) -> _Step | None:
        """The next deposit of our own that a voided batch still holds."""
        for blob, record_hash in list(note.demanded.items()):
            named = from_hex(record_hash, 32)
            demand = self._demands.demand_of(batch_id, named, blob, "latest")
            is_mine = demand.demander == self._chains.account.address
            if is_mine and demand.status == DemandStatus.OPEN:
                return _Step("deposit_reclaimed", self._demands.reclaim(batch_id, named, blob), blob)
            del note.demanded[blob]
        return None

    def _take(self, batch_id: int, note: BatchNote, step: _Step) -> bool:
        if not self._outgoing.acting:
            if note.told != step.event:
                note.told = step.event
                self._report.tell("would_demand", batch_id=batch_id, blob=step.blob)
            return False
        try:
            tx_hash = self._outgoing.send("demand", str(batch_id), step.call)
        except ContractRevertedError as error:
            self._report.tell("demand_refused", batch_id=batch_id, blob=step.blob, reason=str(error))
            return False
        if tx_hash is not None:
            self._report.tell(step.event, batch_id=batch_id, blob=step.blob, tx_hash=tx_hash)
        return tx_hash is not None


def answered_posts(chains: Chains, batch_id: int, first_block: int, last_block: int) -> list[bytes]:
    """The posts by which demands for blobs of a batch were answered in these blocks."""
    address = chains.deployment.l2.blob_demands
    decoder = LogDecoder({address: "BlobDemands"})
    topic = load_abi("BlobDemands").events["DemandAnswered"].topic
    found: list[bytes] = []
    for first in range(first_block, last_block + 1, BLOCKS_AT_ONCE):
        until = min(first + BLOCKS_AT_ONCE - 1, last_block)
        logs = decoder.decode_known(fetch_logs(chains.l2, first, until, [address], [topic]))
        answers = [log.event for log in logs if isinstance(log.event, DemandAnswered)]
        found += [answer.post_hash for answer in answers if answer.batch_id == batch_id]
    return found
