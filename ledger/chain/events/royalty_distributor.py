"""What RoyaltyDistributor (L2) emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RootSubmitted:
    """A root with its quorum, claimable from `activates_at`."""

    root_index: int
    root: bytes
    total_cumulative_units: int
    through_l2_block: int
    through_l2_block_hash: bytes
    data_hash: bytes
    activates_at: int
    attesters: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RootDisabled:
    """An attester disabled a root."""

    root_index: int
    attester: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """A payee's claim was paid."""

    payee: bytes
    recipient: bytes
    root_index: int
    amount_units: int
    cumulative_units: int


@dataclass(frozen=True, slots=True)
class ClaimSkipped:
    """A claim in a list could not be paid; `reason` is the revert's data."""

    payee: bytes
    root_index: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class RecipientSet:
    """A payee's claims are paid to this address."""

    payee: bytes
    recipient: bytes


@dataclass(frozen=True, slots=True)
class Funded:
    """A finalised batch's fee came in."""

    batch_id: int
    amount_units: int
    total_funded_units: int


@dataclass(frozen=True, slots=True)
class AttesterReplaced:
    """An attester goes and another comes at `effective_at`."""

    outgoing: bytes
    incoming: bytes
    effective_at: int
