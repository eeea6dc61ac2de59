"""Answers about those who pay."""

from __future__ import annotations

from pydantic import Field

from api.schemas.batches import BatchStatus
from api.schemas.figures import AddressText, Amount, Figure, Model, ReadAt, Seconds


class Account(Model):
    """A payer's account with one operator; its own account is an operator's deposit."""

    operator: AddressText
    balance: Figure
    charged: Figure = Field(description="Charged in batches that are finalised on L2")
    charged_open: Amount = Field(description="Charged in batches that can still be challenged and refunded")
    collected: Amount = Field(description="What was taken from this payer so far, refunds deducted; the cap bounds it")
    cap: Amount | None = Field(description="Cumulative cap that is in force on chain")
    cap_valid_until: Seconds | None
    cap_left: Amount | None = Field(description="Cap less collected")
    thawing: Amount | None = Field(description="Asked back, still collectable until it leaves")
    thaw_end: Seconds | None
    debt: Amount = Field(description="What the operator paid in this payer's stead")


class Payer(Model):
    read_at: ReadAt
    address: AddressText
    balance: Figure = Field(description="All accounts together")
    charged: Figure = Field(description="All charges in batches that are finalised on L2")
    accounts: list[Account]


class ChargeLine(Model):
    """What one batch charged a payer."""

    batch_id: int
    fill: int
    operator: AddressText
    lane: int
    amount: Amount
    batch_status: BatchStatus = Field(description="A voided batch's charges are refunded")
    committed_at: Seconds
