"""ReceiptLedger (L2): attestations, batches and their custody."""

from collections.abc import Sequence
from typing import ClassVar, cast

from ledger.chain.blocks import At
from ledger.chain.contracts.intake_pause import PausableContract
from ledger.chain.structs import BatchRecord, BatchStatus
from ledger.chain.transaction import Call
from ledger.protocol.batch import BatchHeader, Charge
from ledger.protocol.receipt import Receipt


class ReceiptLedger(PausableContract):
    """One method per function of IReceiptLedger."""

    abi_name: ClassVar[str] = "ReceiptLedger"

    def commit_batch(self, header: BatchHeader, versioned_hashes: Sequence[bytes], charges: Sequence[Charge]) -> Call:
        """Commit the next batch of the operator's lane; charges strictly ascending by payer."""
        return self._write("commitBatch", header, versioned_hashes, charges)

    def commit_unattested(
        self,
        header: BatchHeader,
        versioned_hashes: Sequence[bytes],
        charges: Sequence[Charge],
        data_commitment: bytes,
    ) -> Call:
        """Commit a batch whose blobs another data availability layer holds; anyone may demand them on L1."""
        return self._write("commitUnattested", header, versioned_hashes, charges, data_commitment)

    def finalize_batch(self, batch_id: int, record: BatchRecord) -> Call:
        """Pay an unchallenged batch's custody to the distributor, after the window."""
        return self._write("finalizeBatch", batch_id, record)

    def refund(
        self,
        batch_id: int,
        record: BatchRecord,
        header: BatchHeader,
        versioned_hashes: Sequence[bytes],
        charges: Sequence[Charge],
        payers: Sequence[int],
    ) -> Call:
        """Give payers of a voided batch, named by their index in its charges, their part back."""
        return self._write("refund", batch_id, record, header, versioned_hashes, charges, payers)

    def recommit_batch(
        self,
        batch_id: int,
        record: BatchRecord,
        header: BatchHeader,
        versioned_hashes: Sequence[bytes],
        charges: Sequence[Charge],
    ) -> Call:
        """Fill the hole of a voided batch; `record` is the voided one's, the rest is the new filling's."""
        return self._write("recommitBatch", batch_id, record, header, versioned_hashes, charges)

    def voiding(self, batch_id: int, at: At) -> tuple[int, int]:
        """When the batch was last voided (0: never), and how many payers have not been refunded since."""
        voided_at, outstanding = self._read("voiding", at, batch_id)
        return voided_at, outstanding

    def receipt_digest(self, receipt: Receipt, at: At) -> bytes:
        """The EIP-712 digest that the contract computes for a receipt."""
        return cast("bytes", self._read("receiptDigest", at, receipt))

    def attested_at(self, post_hash: bytes, at: At) -> int:
        """Newest L1 second of the post, or 0."""
        return cast("int", self._read("attestedAt", at, post_hash))

    def next_seq(self, operator: bytes, lane: int, at: At) -> int:
        """The seq that the lane's next batch starts at."""
        return cast("int", self._read("nextSeq", at, operator, lane))

    def seq_reached_by(self, operator: bytes, lane: int, second: int, at: At) -> int:
        """The seq that the lane's commits are known to have reached by that second, exclusive."""
        return cast("int", self._read("seqReachedBy", at, operator, lane, second))

    def batch_count(self, at: At) -> int:
        """The newest batch's id; ids are 1 to this."""
        return cast("int", self._read("batchCount", at))

    def batch_hash(self, batch_id: int, at: At) -> bytes:
        """keccak256 of the batch's record while it is open or voided, zero after."""
        return cast("bytes", self._read("batchHash", at, batch_id))

    def batch_status(self, batch_id: int, record: BatchRecord, at: At) -> BatchStatus:
        """The batch's status, given its present record (any record once it has left)."""
        return BatchStatus(self._read("batchStatus", at, batch_id, record))

    def protocol_ppm(self, at: At) -> int:
        """Part of every fee that is the protocol's."""
        return cast("int", self._read("protocolPpm", at))

    def protocol_payee(self, at: At) -> bytes:
        """Who gets it."""
        return cast("bytes", self._read("protocolPayee", at))
