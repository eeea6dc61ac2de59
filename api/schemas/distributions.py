"""Answers about distributions."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from api.finality import Finality
from api.schemas.figures import AddressText, Amount, HashText, Model, ReadAt, Seconds, UnitsText

Phase = Literal["proposed", "pending", "active", "disabled"]


class DistributionLine(Model):
    """A root of cumulative amounts."""

    root_index: int
    root: HashText
    phase: Phase = Field(description="`pending` until its activation delay is over by the newest block's clock")
    total_cumulative: Amount
    through_l2_block: int = Field(description="Batches finalised up to this L2 block count")
    through_l2_block_hash: HashText
    data_hash: HashText = Field(description="keccak256 of the distribution file")
    submitted_at: Seconds
    activates_at: Seconds
    attesters: list[AddressText] = Field(description="Whose signatures brought it on chain")
    disabled_by: AddressText | None
    tx_hash: HashText
    paid: Amount = Field(description="What claims against this very root have paid")
    claims: int
    payees: int | None = Field(description="Payees with a whole unit; null if the distribution is not kept here")
    settlement_state: str | None = Field(description="Where this server's settlement stands with it")


class AttesterAnswer(Model):
    attester: AddressText
    signed: bool
    refusal: str | None


class Distribution(DistributionLine):
    read_at: ReadAt
    fees: Amount | None = Field(description="Fees that it distributes since the beginning")
    answers: list[AttesterAnswer] = Field(description="What attesters answered this server")
    reason: str | None
    has_file: bool = Field(description="Whether the file is kept here")


class Proposal(Model):
    """A distribution that is not on chain."""

    root_index: int
    root: HashText
    state: str
    reason: str | None
    total_cumulative: Amount
    through_l2_block: int
    through_l2_block_hash: HashText
    data_hash: HashText
    payees: int
    computed_at: dt.datetime


class Distributions(Model):
    read_at: ReadAt
    items: list[DistributionLine]
    proposals: list[Proposal] = Field(description="Computed here and not on chain, on the first page")
    next_cursor: str | None


class PayeeLine(Model):
    payee: AddressText
    cumulative_units: UnitsText
    numerator: str = Field(description="Exactly, over 10^30 base units")


class DistributionPayees(Model):
    read_at: ReadAt
    root_index: int
    finality: Finality
    items: list[PayeeLine]
    next_cursor: str | None
