"""What PaymentEscrow (L2) emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deposited:
    """Tokens came into the account (payer, operator)."""

    payer: bytes
    operator: bytes
    funder: bytes
    amount_units: int


@dataclass(frozen=True, slots=True)
class ThawStarted:
    """A payer asked part of its account back."""

    payer: bytes
    operator: bytes
    amount_units: int
    thaw_end: int


@dataclass(frozen=True, slots=True)
class ThawCancelled:
    """A payer took that request back."""

    payer: bytes
    operator: bytes


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What had thawed was paid out."""

    payer: bytes
    operator: bytes
    amount_units: int


@dataclass(frozen=True, slots=True)
class CapSet:
    """An account's cap and its expiry are these now."""

    payer: bytes
    operator: bytes
    cap_units: int
    valid_until: int


@dataclass(frozen=True, slots=True)
class CapLoweringStarted:
    """An account's cap falls to this at `effective_at`."""

    payer: bytes
    operator: bytes
    cap_units: int
    valid_until: int
    effective_at: int


@dataclass(frozen=True, slots=True)
class SessionKeyRegistered:
    """A key may sign the payer's authorizations."""

    payer: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class SessionKeyRevoked:
    """It no longer may, from `effective_at` on."""

    payer: bytes
    key: bytes
    effective_at: int


@dataclass(frozen=True, slots=True)
class Shortfall:
    """The operator's deposit paid this part of a payer's charge; the payer owes it."""

    payer: bytes
    operator: bytes
    batch_id: int
    amount_units: int


@dataclass(frozen=True, slots=True)
class DebtCollected:
    """A payer's debt was paid from its account to the operator's own."""

    payer: bytes
    operator: bytes
    amount_units: int


@dataclass(frozen=True, slots=True)
class Refunded:
    """A voided batch's charge went back: to the payer, and what the operator had paid to the operator."""

    batch_id: int
    payer: bytes
    operator: bytes
    amount_units: int
    operator_amount_units: int


@dataclass(frozen=True, slots=True)
class CustodyReleased:
    """A finalised batch's custody left for the distributor."""

    batch_id: int
    amount_units: int
