"""Answers about those who are paid."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field

from api.finality import Finality
from api.schemas.figures import (
    AddressText,
    Amount,
    ExactFigure,
    Figure,
    HashText,
    Model,
    ReadAt,
    Seconds,
    UnitsText,
    address,
    amount,
    hex_of,
)

if TYPE_CHECKING:
    from sqlalchemy import Row

    from api.reading import Reading


class Source(StrEnum):
    """Why a payee earns of a fee."""

    PROTOCOL = "protocol"
    """It runs the protocol."""
    OPERATOR = "operator"
    """It served the model: what is left after protocol and royalty."""
    ROYALTY = "royalty"
    """It has a part in the asset that served, or in one of that asset's parents."""
    DATA = "data"
    """It has a part in a dataset that the answer drew on."""


class Earned(Model):
    settled: ExactFigure = Field(description="From batches finalised on L2; once final, the next distribution has it")
    open: ExactFigure = Field(description="From batches that can still be challenged, and may fall with them")


class SourceEarnings(Earned):
    """What one asset's use brought in."""

    source: Source
    asset_id: int = Field(description="The asset that served")
    dataset_id: int | None = Field(description="The dataset drawn on, where that is why")
    list_id: int | None = Field(description="The contributor list through which it earned; null for a share of its own")


class DayEarnings(Earned):
    day: dt.date = Field(description="UTC day of the batches' first commit")


class Contributor(Model):
    """Everything about one payee."""

    read_at: ReadAt
    address: AddressText
    recipient: AddressText = Field(description="Where its claims are paid")
    earned: Earned
    by_source: list[SourceEarnings]
    paid: Figure = Field(description="What it was paid so far")
    published: Amount | None = Field(
        description="All that the newest standing root says it has earned; null if its distribution is not kept here"
    )
    claimable: Amount | None = Field(description="What a claim would pay now; null if nothing is known of the root")
    root_index: int | None = Field(description="The active root that `claimable` is from")
    next_root_index: int | None = Field(description="A submitted root that is not active yet")
    expected_payable_at: Seconds | None = Field(description="When that next root becomes active")


class ContributorLine(Model):
    """A payee in the list, at the finalised L2 block."""

    address: AddressText
    earned_numerator: str = Field(description="Exactly, over 10^30 base units")
    earned: Amount
    paid: Amount


class Earnings(Model):
    """A payee's earnings in a span of days."""

    read_at: ReadAt
    address: AddressText
    total: Earned
    by_source: list[SourceEarnings]
    by_day: list[DayEarnings]


class Payment(Model):
    """A claim that was paid."""

    root_index: int
    amount: Amount
    cumulative_units: UnitsText = Field(description="All that it had been paid with this claim")
    recipient: AddressText
    tx_hash: HashText
    at: Seconds

    @classmethod
    def of(cls, reading: Reading, row: Row[Any]) -> Self:
        """The payment that a row of `claims` tells of."""
        return cls(
            root_index=row.root_index,
            amount=amount(reading, int(row.amount_units), row.block_number),
            cumulative_units=str(row.cumulative_units),
            recipient=address(row.recipient),
            tx_hash=hex_of(row.tx_hash),
            at=row.at,
        )


class SkippedClaim(Model):
    """A pushed claim that the contract could not pay."""

    root_index: int
    reason: HashText = Field(description="The contract's error data")
    at: Seconds
    finality: Finality
    block: int


class Payments(Model):
    read_at: ReadAt
    items: list[Payment]
    skipped: list[SkippedClaim]
    next_cursor: str | None


class ClaimProof(Model):
    """What to hand RoyaltyDistributor.claim(rootIndex, payee, cumulative, proof); anyone may, the payee is paid."""

    read_at: ReadAt
    distributor: AddressText
    root_index: int
    root: HashText
    payee: AddressText
    cumulative_units: UnitsText
    numerator: str = Field(description="Exact earnings, over 10^30 base units")
    claimable: Amount
    active: bool = Field(description="Whether the root can be claimed against by the newest block's clock")
    activates_at: Seconds
    proof: list[HashText]
