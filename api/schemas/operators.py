"""Answers about operators."""

from __future__ import annotations

from pydantic import Field

from api.finality import Finality
from api.schemas.figures import AddressText, Amount, Figure, Model, ReadAt, Seconds, UnitsText


class Uptime(Model):
    """How much of the last 30 days the operator kept committing: all that a chain can tell of it.

    A moment is covered if a batch was committed in the 24 hours before it (POST_DEADLINE): receipts have to be posted within
    that time, so an operator that serves can't pause longer. One that nobody asked looks like one that was down; requests
    that it refused leave no trace. The window begins with the first batch, and is shorter after more than 1,000 batches.
    """

    since: Seconds
    until: Seconds = Field(description="The newest indexed L2 block's time")
    up_seconds: int
    ppm: int = Field(description="Covered millionths of the window, rounded down")
    longest_pause_seconds: int = Field(description="Between two commits that bear on the window, or since the last")
    late_batches: int = Field(
        description="Batches in the window whose oldest receipt was older than POST_DEADLINE at the commit; of more than 1,000, "
        "the newest are looked at"
    )


class Exposure(Model):
    """What rests on the operator's word until its batches are final, and what stands behind it."""

    fees: Amount = Field(description="Fees of open batches: committed, taken from payers, not paid on yet")
    bond: Amount = Field(description="Its whole bond")
    reserved: Amount = Field(description="The part of the bond that open batches hold; slashed with them")
    free: Amount = Field(description="Bond less reserve: what further batches can hold")
    bond_per_fee_ppm: int | None = Field(description="Bond in millionths of the open fees; null while none are open")


class OperatorLine(Model):
    """An operator's volume, how steady it is and what stands behind it."""

    address: AddressText
    settled_fees: Figure = Field(description="Fees of batches that are finalised on L2")
    open_fees: Amount = Field(description="Fees of batches that can still be challenged")
    receipts: int
    open_batches: int
    finalized_batches: int
    voided_batches: int
    findings: int = Field(description="Rules broken in its batches")
    last_committed_at: Seconds | None
    uptime: Uptime | None = Field(description="Null until its first batch")
    exposure: Exposure


class Key(Model):
    key: AddressText
    added_at: Seconds
    revoked_at: Seconds | None
    finality: Finality
    block: int


class Lane(Model):
    lane: int
    next_seq: int = Field(description="The first number that no committed batch has")
    batches: int
    keys: list[Key]


class PublishedPrice(Model):
    asset_id: int
    input_price_units: UnitsText = Field(description="For 1,000 input units")
    output_price_units: UnitsText = Field(description="For 1,000 output units")
    effective_at: Seconds
    in_force: bool
    finality: Finality
    block: int


class Operator(OperatorLine):
    """An operator with its stake and its lanes; its prices have a path of their own."""

    read_at: ReadAt
    bond: Figure
    reserved: Amount = Field(description="The part of the bond that open batches hold")
    own_deposit: Figure = Field(description="What stands in for payers that fall short")
    slashed: Amount
    lanes: list[Lane]
