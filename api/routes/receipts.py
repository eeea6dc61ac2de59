"""GET /v1/receipts: a receipt in hand, found in the ledger."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.parameters import ADDRESS_PATTERN, LARGEST_ID, DigestPath, address_of
from api.queries import batches as queries
from api.reading import CurrentReading, Reading
from api.routes.batch_lines import pending_receipt, posted_receipt
from api.schemas.batches import Receipt, ReceiptAnswer
from api.schemas.figures import ReadAt, address
from api.schemas.receipts import Receipts
from ledger.errors import NotFoundError
from ledger.protocol.hexadecimal import from_hex

router = APIRouter(prefix="/receipts", tags=["receipts"])


@router.get("")
def receipt_of_lane(
    reading: CurrentReading,
    operator: Annotated[str, Query(pattern=ADDRESS_PATTERN)],
    lane: Annotated[int, Query(ge=0, le=65_535)],
    seq: Annotated[int, Query(ge=0, le=LARGEST_ID)],
) -> ReceiptAnswer:
    """The receipt with this number in an operator's lane; `pending` if it is issued here and in no batch yet."""
    who = address_of(operator)
    place = queries.place_of_seq(reading, who, lane, seq)
    if place is not None:
        receipt = _at(reading, place.batch_id, place.fill, place.position)
    else:
        issued = queries.issued(reading, who, lane, seq)
        if issued is None:
            raise NotFoundError(f"Lane {lane} of {address(who)} has no receipt {seq} that was posted, or issued here.")
        receipt = pending_receipt(issued)
    return ReceiptAnswer(**receipt.model_dump(), read_at=ReadAt.of(reading))


@router.get("/{digest}")
def receipt_of_digest(reading: CurrentReading, digest: DigestPath) -> Receipts:
    """Where a receipt stands, by its EIP-712 digest (32 bytes, or the 31 that are posted)."""
    digest31 = from_hex(digest[:64], 31)
    places = queries.places_of_digest(reading, digest31)
    if not places:
        raise NotFoundError("No batch that is read so far holds this digest; it may still be on its way.")
    items = [_at(reading, place.batch_id, place.fill, place.position) for place in places]
    return Receipts(read_at=ReadAt.of(reading), items=items)


def _at(reading: Reading, batch_id: int, fill: int, position: int) -> Receipt:
    batch = next(row for row in queries.fills(reading, batch_id) if row.fill == fill)
    (row,) = queries.receipts(reading, batch_id, fill, position - 1, 1)
    return posted_receipt(reading, row, batch)
