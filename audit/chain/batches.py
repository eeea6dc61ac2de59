"""Batches as the ReceiptLedger logged them: committed, voided, refilled, finalised."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode

from audit.chain.events import Event, of
from audit.difference import Differences, Place
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import CHALLENGE_WINDOW_SECONDS

HEADER_TYPE: Final = "(address,uint16,uint64,uint24,uint24,uint24,uint128,uint8,uint40,bytes32,bytes32)"


@dataclass(slots=True)
class Batch:
    """A batch as it stands: its newest commit or refill. Header fields keep the contract's names."""

    batch_id: int
    header: Mapping[str, Any]
    versioned_hashes: tuple[bytes, ...]
    charges: tuple[tuple[bytes, int], ...]
    """(payer, units), as committed."""
    commitment: bytes
    committed_at: int
    first_committed_at: int
    terms_from: int
    """Earliest second by which its receipts are judged."""
    attested_at: int
    """L1 second of the blobs' post; 0 if it was committed unattested."""
    committed_in: tuple[int, int]
    """(block, log index) of the newest commit."""
    status: str = "open"
    finalized_block: int | None = None

    @property
    def place(self) -> Place:
        """Where the audit says it is, speaking of this batch."""
        return Place("batch", f"batch {self.batch_id}", self.batch_id)

    @property
    def post_hash(self) -> bytes:
        """Name of the post that its blobs make up."""
        return keccak256(*self.versioned_hashes)


def read_batches(events: Iterable[Event], times: Mapping[int, int], differences: Differences) -> dict[int, Batch]:
    """Every batch by id, with what the ledger should have checked checked again.

    Args:
        events: of all contracts, in chain order.
        times: Unix time of each block that holds an event.
        differences: where the audit's findings go.
    """
    batches: dict[int, Batch] = {}
    next_seq: dict[tuple[bytes, int], int] = {}
    for event in of(events, "ReceiptLedger", "BatchCommitted", "BatchRefilled", "BatchVoided", "BatchFinalized"):
        batch_id: int = event.args["batchId"]
        if event.name == "BatchCommitted":
            batch = _commit(event)
            batches[batch_id] = batch
            differences.compare(batch.place, "batchId", len(batches), batch_id)
            lane = (batch.header["operator"], batch.header["lane"])
            first_seq = batch.header["firstSeq"]
            differences.compare(batch.place, "firstSeq", next_seq.get(lane, 0), first_seq)
            next_seq[lane] = first_seq + batch.header["count"]
            _check_commit(batch, event, differences)
        elif batch_id not in batches:
            differences.note(
                Place("batch", f"batch {batch_id}", batch_id), event.name, "after its commit", "of no batch"
            )
        elif event.name == "BatchRefilled":
            batches[batch_id] = _refill(batches[batch_id], event, differences)
            _check_commit(batches[batch_id], event, differences)
        elif event.name == "BatchVoided":
            batches[batch_id].status = "voided"
        else:
            _finalize(batches[batch_id], event, times[event.block], differences)
    return batches


def commitment(header: Mapping[str, Any], hashes: tuple[bytes, ...], charges: tuple[tuple[bytes, int], ...]) -> bytes:
    """keccak256(abi.encode(header, versionedHashes, charges))."""
    types = [HEADER_TYPE, "bytes32[]", "(address,uint64)[]"]
    return keccak256(encode(types, [tuple(header.values()), hashes, charges]))


def _commit(event: Event) -> Batch:
    return Batch(
        batch_id=event.args["batchId"],
        header=event.args["header"],
        versioned_hashes=event.args["versionedHashes"],
        charges=tuple((charge["payer"], charge["amount"]) for charge in event.args["charges"]),
        commitment=event.args["batchCommitment"],
        committed_at=event.args["committedAt"],
        first_committed_at=event.args["committedAt"],
        terms_from=event.args["termsFrom"],
        attested_at=event.args["attestedAt"],
        committed_in=(event.block, event.index),
    )


def _refill(voided: Batch, event: Event, differences: Differences) -> Batch:
    """The new filling of a voided batch: other blobs and charges for the same run of the same lane."""
    batch = _commit(event)
    batch.first_committed_at = voided.first_committed_at
    differences.compare(batch.place, "termsFrom", voided.terms_from, batch.terms_from)
    differences.compare(batch.place, "status before its refill", "voided", voided.status)
    for name in ("operator", "lane", "firstSeq", "count"):
        differences.compare(batch.place, name, voided.header[name], batch.header[name])
    return batch


def _check_commit(batch: Batch, event: Event, differences: Differences) -> None:
    """What follows from a commit's own numbers."""
    header, place, payers = batch.header, batch.place, [payer for payer, _ in batch.charges]
    recomputed = commitment(header, batch.versioned_hashes, batch.charges)
    differences.compare(place, "batchCommitment", recomputed, batch.commitment)
    differences.compare(place, "operator", header["operator"], event.args["operator"])
    differences.compare(place, "lane", header["lane"], event.args["lane"])
    differences.compare(place, "blobCount", len(batch.versioned_hashes), header["blobCount"])
    differences.compare(place, "payerCount", len(payers), header["payerCount"])
    differences.compare(place, "payers of the charges", sorted(set(payers)), payers)
    differences.compare(place, "totalFee", sum(amount for _, amount in batch.charges), header["totalFee"])


def _finalize(batch: Batch, event: Event, block_time: int, differences: Differences) -> None:
    """Close an open batch whose challenge window has passed."""
    differences.compare(batch.place, "status before it was finalised", "open", batch.status)
    differences.compare(batch.place, "totalFee when finalised", batch.header["totalFee"], event.args["totalFee"])
    if block_time < batch.committed_at + CHALLENGE_WINDOW_SECONDS:
        earliest = batch.committed_at + CHALLENGE_WINDOW_SECONDS
        differences.note(batch.place, "time of finalisation", f"{earliest} or later", block_time)
    batch.status, batch.finalized_block = "finalized", event.block
