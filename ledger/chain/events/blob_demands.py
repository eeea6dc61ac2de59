"""What BlobDemands (L2) emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlobDemanded:
    """Somebody paid a deposit to see a blob of an unattested batch on L1."""

    batch_id: int
    demander: bytes
    blob: int
    versioned_hash: bytes
    deposit_units: int
    due_at: int


@dataclass(frozen=True, slots=True)
class DemandAnswered:
    """The blob was posted: the deposit is the operator's, the batch's window starts again."""

    batch_id: int
    operator: bytes
    blob: int
    post_hash: bytes
    deposit_units: int


@dataclass(frozen=True, slots=True)
class DemandReturned:
    """The batch was voided: the deposit went back."""

    batch_id: int
    demander: bytes
    blob: int
    deposit_units: int
