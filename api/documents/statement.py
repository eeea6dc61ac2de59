"""A contributor's statement over a span of days, from batches that are final on both chains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.queries import contributors as queries
from api.schemas.contributors import Payment, Source
from api.schemas.figures import AtBlock, ReadAt, address
from api.schemas.statements import Statement, StatementLine
from ledger.errors import NotYetFinalError
from ledger.protocol.entitlement import floor_units

if TYPE_CHECKING:
    from api.documents.span import Span
    from api.reading import Reading


def make_statement(reading: Reading, payee: bytes, span: Span) -> Statement:
    """Opening, lines, closing and payments.

    Raises:
        NotYetFinalError: nothing is final yet.
    """
    if reading.l2.finalized is None:
        raise NotYetFinalError("The index has no finalised L2 block yet; try again in a moment.")
    before = sum(int(row.settled_finalized or 0) for row in queries.earnings(reading, payee, 0, span.start))
    rows = [row for row in queries.earnings(reading, payee, span.start, span.end) if row.settled_finalized]
    lines = [
        StatementLine(
            day=row.day,
            source=row.source,
            asset_id=row.asset_id,
            dataset_id=row.dataset_id if row.source == Source.DATA else None,
            numerator=str(row.settled_finalized),
        )
        for row in rows
    ]
    closing = before + sum(int(line.numerator) for line in lines)
    paid = queries.claims_until(reading, payee, span.end, reading.l2.finalized.number)
    return Statement(
        read_at=ReadAt.of(reading),
        address=address(payee),
        since=span.since,
        until=span.until,
        opening_numerator=str(before),
        lines=lines,
        closing_numerator=str(closing),
        closing=AtBlock(units=str(floor_units(closing)), block=reading.l2.finalized.number),
        payments=[Payment.of(reading, row) for row in paid if row.at >= span.start],
        paid_units=str(sum(int(row.amount_units) for row in paid)),
    )
