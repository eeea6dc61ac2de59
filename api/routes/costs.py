"""GET /v1/costs: gas and bytes per receipt, from what the newest final batches really took."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from api.parameters import AddressQuery, optional_address
from api.queries import costs as queries
from api.reading import CurrentReading
from api.schemas.costs import Costs, PerReceipt, PurposeCost
from api.schemas.figures import ReadAt
from ledger.protocol.blob.layout import BLOB_BYTES, FE_BYTES

router = APIRouter(tags=["batches"])


@router.get("/costs")
def costs(reading: CurrentReading, operator: AddressQuery = None) -> Costs:
    """What posting, committing and finalising took, over the newest 100 final batches; filter by operator.

    What was spent on voided fillings is not in it: it says what a receipt takes that stands.
    """
    rows = queries.totals(reading, optional_address(operator))
    shape, spending = rows[0], [_purpose(row) for row in rows if row.purpose is not None]
    posted, used = int(shape.blobs) * BLOB_BYTES, int(shape.elements) * FE_BYTES
    return Costs(
        read_at=ReadAt.of(reading),
        batches=shape.batches,
        batches_untold=shape.chosen - shape.batches,
        receipts=int(shape.receipts),
        blobs=int(shape.blobs),
        posted_bytes=posted,
        used_bytes=used,
        spending=spending,
        per_receipt=_per_receipt(int(shape.receipts), posted, used, spending) if shape.receipts else None,
    )


def _purpose(row: Row[Any]) -> PurposeCost:
    return PurposeCost(
        purpose=row.purpose,
        transactions=row.transactions,
        gas_used=int(row.gas_used),
        blob_gas_used=int(row.blob_gas_used),
        fee_wei=str(int(row.fee_wei)),
    )


def _per_receipt(receipts: int, posted: int, used: int, spending: list[PurposeCost]) -> PerReceipt:
    post = [line for line in spending if line.purpose == "post"]
    l2 = [line for line in spending if line.purpose != "post"]
    return PerReceipt(
        posted_bytes=ratio(posted, receipts),
        used_bytes=ratio(used, receipts),
        l1_gas=ratio(sum(line.gas_used for line in post), receipts),
        l1_blob_gas=ratio(sum(line.blob_gas_used for line in post), receipts),
        l2_gas=ratio(sum(line.gas_used for line in l2), receipts),
    )


def ratio(whole: int, parts: int) -> str:
    """The quotient to two places, half up, in integers."""
    hundredths = (200 * whole + parts) // (2 * parts)
    return f"{hundredths // 100}.{hundredths % 100:02}"
