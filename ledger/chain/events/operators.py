"""What Operators (L2) emits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BondDeposited:
    """An operator's bond grew."""

    operator: bytes
    funder: bytes
    amount_units: int


@dataclass(frozen=True, slots=True)
class BondWithdrawalRequested:
    """An operator asked part of its bond back."""

    operator: bytes
    amount_units: int
    available_at: int


@dataclass(frozen=True, slots=True)
class BondWithdrawalCancelled:
    """It took that request back."""

    operator: bytes


@dataclass(frozen=True, slots=True)
class BondWithdrawn:
    """What was asked back was paid out."""

    operator: bytes
    amount_units: int


@dataclass(frozen=True, slots=True)
class BondReserved:
    """A batch holds this part of the bond."""

    operator: bytes
    batch_id: int
    amount_units: int


@dataclass(frozen=True, slots=True)
class BondReleased:
    """A batch's part of the bond is free again."""

    operator: bytes
    batch_id: int
    amount_units: int


@dataclass(frozen=True, slots=True)
class BondSlashed:
    """A part of the bond was taken: some to the challenger, the rest burned; batch 0 is a penalty."""

    operator: bytes
    batch_id: int
    challenger: bytes
    reward_units: int
    burned_units: int


@dataclass(frozen=True, slots=True)
class KeyAdded:
    """A key may sign receipts of a lane."""

    operator: bytes
    lane: int
    key: bytes
    at: int


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """It no longer may."""

    operator: bytes
    lane: int
    key: bytes
    at: int


@dataclass(frozen=True, slots=True)
class PricePublished:
    """An operator's price of an asset per 1000 units, in force from `effective_at`."""

    operator: bytes
    asset_id: int
    input_price_units: int
    output_price_units: int
    effective_at: int
