"""What ReceiptChallenges (L2) emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReceiptUnposted:
    """An operator paid the penalty for a receipt that it signed and did not post in time."""

    operator: bytes
    lane: int
    seq: int
    digest: bytes
    challenger: bytes
    penalty_units: int
