"""GET /v1/contributors/{payee}/receipts: the answers from which somebody earns."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Row

from api.parameters import LARGEST_ID, AddressPath, Cursor, Limit, address_of, cursor_after, key_of
from api.queries import batches as batch_queries
from api.queries import uses as queries
from api.reading import CurrentReading
from api.routes.batch_lines import posted_receipt
from api.schemas.batches import Receipt
from api.schemas.figures import Page, ReadAt

router = APIRouter(prefix="/contributors", tags=["contributors"])


@router.get("/{payee}/receipts")
def receipts_of_contributor(
    reading: CurrentReading, payee: AddressPath, cursor: Cursor = None, limit: Limit = 50
) -> Page[Receipt]:
    """Receipts of assets that this address has a share in or that drew on its data, of the newest batches first."""
    key = key_of(cursor, (int, int, int))
    after = (LARGEST_ID, 32_767, -1) if key is None else (int(key[0]), int(key[1]), int(key[2]))
    rows = queries.receipts(reading, address_of(payee), after, limit + 1)
    shown = rows[:limit]
    batches: dict[tuple[int, int], Row[Any]] = {}
    for row in shown:
        if (row.batch_id, row.fill) not in batches:
            fills = batch_queries.fills(reading, row.batch_id)
            batches[row.batch_id, row.fill] = next(fill for fill in fills if fill.fill == row.fill)
    last = shown[-1] if shown else None
    return Page[Receipt](
        read_at=ReadAt.of(reading),
        items=[posted_receipt(reading, row, batches[row.batch_id, row.fill]) for row in shown],
        next_cursor=None
        if last is None or len(rows) <= limit
        else cursor_after(last.batch_id, last.fill, last.position),
    )
