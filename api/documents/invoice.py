"""A payer's invoice over a span of days: its receipts, added up by day, operator and asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.queries import payers as queries
from api.schemas.figures import ReadAt, address
from api.schemas.statements import Invoice, InvoiceLine

if TYPE_CHECKING:
    from api.documents.span import Span
    from api.reading import Reading


def make_invoice(reading: Reading, payer: bytes, span: Span) -> Invoice:
    """Every line adds up receipts that stand in batches which are valid and not voided."""
    rows = queries.usage(reading, payer, span.start, span.end)
    return Invoice(
        read_at=ReadAt.of(reading),
        address=address(payer),
        since=span.since,
        until=span.until,
        lines=[
            InvoiceLine(
                day=row.day,
                operator=address(row.operator),
                asset_id=row.asset_id,
                receipts=row.receipts,
                input_units=int(row.input_units),
                output_units=int(row.output_units),
                fee_units=str(row.fee_units),
            )
            for row in rows
        ],
        total_units=str(sum(int(row.fee_units) for row in rows)),
    )
