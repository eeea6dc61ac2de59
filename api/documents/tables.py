"""Documents as tables: CSV that spreadsheets open, and PDF that people file."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final, NamedTuple

from fpdf import FPDF

from ledger.protocol.units import ENTITLEMENT_ONE

if TYPE_CHECKING:
    from api.schemas.statements import Invoice, Statement


class Table(NamedTuple):
    """Heads and rows."""

    heads: tuple[str, ...]
    rows: list[list[str]]


_EXACT_DIGITS: Final = 30
_STATEMENT_HEADS: Final = ("kind", "day", "source", "asset_id", "dataset_id", "units", "root_index", "tx_hash")
_INVOICE_HEADS: Final = ("day", "operator", "asset_id", "receipts", "input_units", "output_units", "fee_units")


def statement_table(statement: Statement) -> Table:
    """A statement's rows; earned units have thirty decimals, since nothing is rounded before the closing amount."""
    closing = statement.closing.units
    rows = [
        ["opening", str(statement.since), "", "", "", exact(statement.opening_numerator), "", ""],
        *(
            [
                "earned",
                str(line.day),
                line.source,
                str(line.asset_id),
                str(line.dataset_id or ""),
                exact(line.numerator),
                "",
                "",
            ]
            for line in statement.lines
        ),
        ["closing", str(statement.until), "", "", "", exact(statement.closing_numerator), "", ""],
        ["closing, whole units", str(statement.until), "", "", "", closing, "", ""],
        *(
            ["paid", "", "", "", "", line.amount.units, str(line.root_index), line.tx_hash]
            for line in statement.payments
        ),
        ["paid in all", str(statement.until), "", "", "", statement.paid_units, "", ""],
    ]
    return Table(_STATEMENT_HEADS, rows)


def invoice_table(invoice: Invoice) -> Table:
    """An invoice's rows, the total last."""
    rows = [
        [
            str(line.day),
            line.operator,
            *(str(n) for n in (line.asset_id, line.receipts, line.input_units, line.output_units)),
            line.fee_units,
        ]
        for line in invoice.lines
    ]
    return Table(_INVOICE_HEADS, [*rows, ["total", "", "", "", "", "", invoice.total_units]])


def exact(numerator: str) -> str:
    """A numerator over 10^30 as a decimal number of base units, all of its digits."""
    whole, rest = divmod(int(numerator), ENTITLEMENT_ONE)
    return f"{whole}.{rest:0{_EXACT_DIGITS}d}"


def as_csv(table: Table) -> bytes:
    """RFC 4180, UTF-8."""
    heads, rows = table
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(heads)
    writer.writerows(rows)
    return out.getvalue().encode()


def as_pdf(title: str, note: str, table: Table) -> bytes:
    """A4, landscape, with as many pages as it takes."""
    heads, rows = table
    page = FPDF(orientation="landscape", format="A4")
    page.set_title(title)
    page.set_author("Tributary")
    page.set_margin(12)
    page.add_page()
    page.set_font("helvetica", style="B", size=15)
    page.cell(text=title, new_x="LMARGIN", new_y="NEXT")
    page.set_font("helvetica", size=9)
    page.multi_cell(w=0, text=note, new_x="LMARGIN", new_y="NEXT")
    page.ln(3)
    page.set_font("helvetica", size=7)
    with page.table(line_height=4.2, padding=0.6) as drawn:
        for cells in (heads, *rows):
            row = drawn.row()
            for cell in cells:
                row.cell(cell)
    return bytes(page.output())
