"""A statement as JSON, as CSV, and as people write amounts."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.units import ENTITLEMENT_ONE

if TYPE_CHECKING:
    from settlement.statement import Statement, StatementLine

_DECIMALS: Final = 30
COLUMNS: Final = (
    "date", "batch", "reason", "asset", "asset_version", "dataset", "dataset_version", "base_units",
)  # fmt: skip


def exact(numerator: int) -> str:
    """Base units as a decimal number with nothing rounded: `12.05`, `-0.5`, `7`."""
    whole, fraction = divmod(abs(numerator), ENTITLEMENT_ONE)
    digits = f"{fraction:0{_DECIMALS}d}".rstrip("0")
    return ("-" if numerator < 0 else "") + (f"{whole}.{digits}" if digits else str(whole))


def as_csv(statement: Statement) -> str:
    """One row a line; the last row of earnings takes off what is carried, so that the column sums to whole units.

    Payments follow as negative amounts: the column's sum over the whole file is what is due.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in statement.lines:
        writer.writerow((*_cells(line), exact(line.numerator)))
    if statement.carried_numerator:
        writer.writerow(("", "", "carried", "", "", "", "", exact(-statement.carried_numerator)))
    for payment in statement.payments:
        writer.writerow(("", "", f"paid {to_hex(payment.tx_hash)}", "", "", "", "", str(-payment.amount_units)))
    return table.getvalue()


def _cells(line: StatementLine) -> tuple[object, ...]:
    drawn = (line.dataset_id, line.dataset_version) if line.dataset_id else ("", "")
    return (_date(line), line.batch_id, line.source, line.asset_id, line.asset_version, *drawn)


def _date(line: StatementLine) -> str:
    return datetime.fromtimestamp(line.finalized_at, UTC).date().isoformat()


def as_json(statement: Statement) -> dict[str, object]:
    """The statement for programs: amounts as decimal strings, `numerator` over `denominator`."""
    return {
        "payee": checksum_address(statement.payee),
        "rootIndex": statement.root_index,
        "throughL2Block": statement.through.number,
        "throughL2BlockHash": to_hex(statement.through.hash),
        "denominator": str(ENTITLEMENT_ONE),
        "numerator": str(statement.numerator),
        "cumulative": str(statement.cumulative_units),
        "carriedNumerator": str(statement.carried_numerator),
        "paid": str(statement.paid_units),
        "due": str(statement.due_units),
        "lines": [
            {
                "batchId": line.batch_id,
                "finalizedAt": line.finalized_at,
                "source": line.source,
                "assetId": line.asset_id,
                "assetVersion": line.asset_version,
                "datasetId": line.dataset_id,
                "datasetVersion": line.dataset_version,
                "numerator": str(line.numerator),
            }
            for line in statement.lines
        ],
        "payments": [
            {
                "rootIndex": payment.root_index,
                "blockNumber": payment.block_number,
                "txHash": to_hex(payment.tx_hash),
                "recipient": checksum_address(payment.recipient),
                "amount": str(payment.amount_units),
            }
            for payment in statement.payments
        ],
    }
