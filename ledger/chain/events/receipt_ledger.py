"""What ReceiptLedger (L2) emits."""

from dataclasses import dataclass

from ledger.protocol.batch import BatchHeader, Charge


@dataclass(frozen=True, slots=True)
class BlobsAttested:
    """The L1 inbox's word that a post was made has arrived."""

    post_hash: bytes
    l1_time: int


@dataclass(frozen=True, slots=True)
class BatchCommitted:
    """A batch was committed: its charges are in custody, its window has started."""

    batch_id: int
    operator: bytes
    lane: int
    batch_commitment: bytes
    reserve_units: int
    committed_at: int
    terms_from: int
    attested_at: int
    header: BatchHeader
    versioned_hashes: tuple[bytes, ...]
    charges: tuple[Charge, ...]


@dataclass(frozen=True, slots=True)
class BatchUnattested:
    """The batch just committed has its blobs elsewhere, under this commitment of that data availability layer."""

    batch_id: int
    data_commitment: bytes


@dataclass(frozen=True, slots=True)
class BatchFinalized:
    """A batch's custody was paid to the distributor."""

    batch_id: int
    total_fee_units: int


@dataclass(frozen=True, slots=True)
class BatchVoided:
    """A challenge proved a fault; refunds are pulled."""

    batch_id: int
    challenger: bytes
    fault: bytes


@dataclass(frozen=True, slots=True)
class BatchRefilled:
    """A voided batch was committed again with new blobs."""

    batch_id: int
    operator: bytes
    lane: int
    batch_commitment: bytes
    reserve_units: int
    committed_at: int
    terms_from: int
    attested_at: int
    header: BatchHeader
    versioned_hashes: tuple[bytes, ...]
    charges: tuple[Charge, ...]
