"""Answers about operators."""

from __future__ import annotations

from pydantic import Field

from api.finality import Finality
from api.schemas.figures import AddressText, Amount, Figure, Model, ReadAt, Seconds, UnitsText


class OperatorLine(Model):
    """An operator's volume."""

    address: AddressText
    settled_fees: Figure = Field(description="Fees of batches that are finalised on L2")
    open_fees: Amount = Field(description="Fees of batches that can still be challenged")
    receipts: int
    open_batches: int
    finalized_batches: int
    voided_batches: int
    findings: int = Field(description="Rules broken in its batches")
    last_committed_at: Seconds | None


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
    """An operator with its stake, its lanes and its prices."""

    read_at: ReadAt
    bond: Figure
    reserved: Amount = Field(description="The part of the bond that open batches hold")
    own_deposit: Figure = Field(description="What stands in for payers that fall short")
    slashed: Amount
    lanes: list[Lane]
    prices: list[PublishedPrice]
