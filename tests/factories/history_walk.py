"""A walk through what can happen to batches on real chains: commits, fraud, voids, refunds, refills, terms, reorgs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count

from ledger.chain.blocks import block_at
from ledger.chain.contracts.challenges import Challenges, CommittedBatch, Opening
from ledger.chain.structs import BatchRecord, BatchStatus
from ledger.errors import ContractRevertedError
from ledger.protocol.batch import batch_commitment, post_hash
from ledger.protocol.blob import kzg
from ledger.protocol.blob.encode import EncodedBatch, encode
from tests.factories.indexed_world import IndexedWorld
from tests.factories.operator_flow import DAY, OUTPUT_PRICE, key_of, terms_for

_numbers = count(1)


@dataclass
class Filling:
    """A batch's newest filling as this walk left it, and the blob in which a fraud is to be shown."""

    batch: CommittedBatch
    honest: EncodedBatch
    fraud: bytes | None = None


@dataclass(repr=False)
class Walk:
    """One step a method; a step that makes no sense now does nothing. A reorg may undo any of them."""

    world: IndexedWorld
    fillings: list[Filling] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flow = self.world.flow
        self.challenges = Challenges(self.flow.l2, self.flow.deployment.l2)

    def commit(self) -> None:
        batch = self._batch()
        self.fillings.append(Filling(self._committed(batch, batch), batch))

    def commit_fraud(self) -> None:
        """The blob's header names another lane than the commit."""
        batch = self._batch()
        blob = batch.blobs[0][:2] + b"\x00\x09" + batch.blobs[0][4:]
        self.fillings.append(Filling(self._committed(batch, replace(batch, blobs=(blob,))), batch, blob))

    def challenge(self) -> None:
        """Void the oldest fraud that stands."""
        for filling in self._with(BatchStatus.OPEN):
            if filling.fraud is not None and self._age(filling) < 7 * DAY:
                opening = Opening.of(kzg.open_at(filling.fraud, 0))
                self.flow.send(
                    self.challenges.challenge_header(filling.batch, 0, opening), self.flow.sender("challenger")
                )
                filling.batch = replace(
                    filling.batch, record=replace(filling.batch.record, status=BatchStatus.VOIDED, reserve_units=0)
                )
                return

    def refund(self) -> None:
        """Give every payer of the oldest voided batch its part back."""
        for filling in self._with(BatchStatus.VOIDED):
            batch = filling.batch
            if self.flow.ledger.voiding(batch.batch_id, "latest")[1]:
                payers = range(len(batch.charges))
                self.flow.send(
                    self.flow.ledger.refund(
                        batch.batch_id, batch.record, batch.header, batch.versioned_hashes, batch.charges, payers
                    )
                )
                return

    def refill(self) -> None:
        """Fill the hole of a refunded batch with honest blobs."""
        for filling in self._with(BatchStatus.VOIDED):
            voided_at, unpaid = self.flow.ledger.voiding(filling.batch.batch_id, "latest")
            if not unpaid and self.flow.devnet.now() < voided_at + 2 * DAY:
                self._refill(filling)
                return

    def finalize(self) -> None:
        """Let the window pass, and finalise whatever is open and honest."""
        self.flow.devnet.advance(7 * DAY + 2)
        for filling in self._with(BatchStatus.OPEN):
            if filling.fraud is None:
                self.flow.send(self.flow.ledger.finalize_batch(filling.batch.batch_id, filling.batch.record))

    def change_terms(self) -> None:
        number = next(_numbers)
        payees = [(b"\x0a" * 20, 400_000), (number.to_bytes(20, "big"), 600_000)]
        self.flow.send(
            self.flow.registry.propose_terms(self.world.asset_id, terms_for(sorted(payees), 100_000 + number))
        )

    def change_price(self) -> None:
        price = OUTPUT_PRICE + next(_numbers)
        self.flow.send(self.flow.operators.set_price(self.world.asset_id, 0, price))

    def pay_in(self) -> None:
        """A payer deposits more, and signs a higher cap."""
        payer = self.flow.sender("payer 0")
        self.flow.fund(payer.address, self.flow.escrow.address, 1_000, payer)
        self.flow.send(self.flow.escrow.deposit(payer.address, self.flow.operator.address, 1_000), payer)
        self.flow.authorize(key_of("payer 0"), 40_000_000 + next(_numbers))

    def reorg_l1(self, depth: int) -> None:
        """What was posted is archived first: with the post its blobs are gone, while its deposit stays on supersim."""
        self.world.index()
        self._reorg(self.flow.devnet.l1, depth)

    def reorg_l2(self, depth: int) -> None:
        self._reorg(self.flow.devnet.l2, depth)

    def index(self) -> None:
        self.world.index()

    def _reorg(self, node, depth: int) -> None:
        above_final = node.block_number() - node.block_number("finalized")
        if above_final > 1:
            node.call("anvil_reorg", min(depth, above_final - 1), [])

    def _batch(self) -> EncodedBatch:
        return self.flow.batch(self.world.asset_id, self.world.fees([100 + next(_numbers), 7, 9]))

    def _committed(self, batch: EncodedBatch, posted: EncodedBatch) -> CommittedBatch:
        hashes, _ = self.flow.post(posted)
        batch_id, record, _ = self.flow.commit(batch, hashes)
        return CommittedBatch(batch_id, record, batch.header, tuple(hashes), batch.charges)

    def _refill(self, filling: Filling) -> None:
        again, voided = encode(filling.honest.entries), filling.batch
        hashes, _ = self.flow.post(again)
        self.flow.devnet.advance(1)  # a hole is filled a second after its voiding at the earliest
        call = self.flow.ledger.recommit_batch(voided.batch_id, voided.record, again.header, hashes, again.charges)
        tx = self.flow.send(call)
        record: BatchRecord = replace(
            voided.record,
            status=BatchStatus.OPEN,
            reserve_units=self.flow.operators.reserve_for(again.header.total_fee_units, "latest"),
            committed_at=block_at(self.flow.l2, tx.block_number).timestamp,
            attested_at=self.flow.ledger.attested_at(post_hash(hashes), "latest"),
            batch_commitment=batch_commitment(again.header, hashes, again.charges),
        )
        filling.batch = CommittedBatch(voided.batch_id, record, again.header, tuple(hashes), again.charges)
        filling.fraud = None

    def _with(self, status: BatchStatus) -> list[Filling]:
        """The fillings that the chain, as it is now, has in this state."""
        found = []
        for filling in self.fillings:
            record = filling.batch.record
            if record.status is status and self._status(filling.batch.batch_id, record) is status:
                found.append(filling)
        return found

    def _status(self, batch_id: int, record: BatchRecord) -> BatchStatus | None:
        """None where a reorg put another batch, or none."""
        try:
            return self.flow.ledger.batch_status(batch_id, record, "latest")
        except ContractRevertedError:
            return None

    def _age(self, filling: Filling) -> int:
        return self.flow.devnet.now() - filling.batch.record.committed_at
