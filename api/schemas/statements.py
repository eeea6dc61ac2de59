"""A contributor's statement and a payer's invoice: a span of days, exact lines, and what they add up to."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from api.schemas.contributors import Payment, Source
from api.schemas.figures import AddressText, AtBlock, Model, ReadAt, UnitsText

Numerator = Annotated[str, Field(description="Exact amount in 10^-30 base units", examples=["1250000" + "0" * 30])]


class StatementLine(Model):
    """What one day's batches owe for one kind of use."""

    day: dt.date = Field(description="UTC day of the batches' first commit")
    source: Source
    asset_id: int
    dataset_id: int | None = Field(description="The dataset drawn on, where that is why")
    numerator: Numerator


class Statement(Model):
    """Earnings from batches that are final on both chains: opening + lines = closing, exactly."""

    read_at: ReadAt
    address: AddressText
    since: dt.date
    until: dt.date = Field(description="Included")
    opening_numerator: Numerator
    lines: list[StatementLine]
    closing_numerator: Numerator
    closing: AtBlock = Field(description="Whole units of the closing amount: the one rounding, down")
    payments: list[Payment] = Field(description="Claims paid in these days")
    paid_units: UnitsText = Field(description="All claims paid until the end of the last day")


class InvoiceLine(Model):
    """What one operator charged on one day for one asset."""

    day: dt.date = Field(description="UTC day on which the answers began")
    operator: AddressText
    asset_id: int
    receipts: int
    input_units: int
    output_units: int
    fee_units: UnitsText


class Invoice(Model):
    """Receipts that a payer was charged for, of batches that stand; a voided batch's charges are refunded."""

    read_at: ReadAt
    address: AddressText
    since: dt.date
    until: dt.date = Field(description="Included")
    lines: list[InvoiceLine]
    total_units: UnitsText
