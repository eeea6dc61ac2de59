"""One receipt's proof: its batch, the openings of its elements, and the signed receipt where it was issued here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from api.explain.parts import batch_part, chain_part, place_line
from api.explain.payout_file import elements_of, place_of
from api.queries import batches as batch_queries
from api.queries import explain as queries
from ledger.protocol.explain.document import RECEIPT_FORMAT, ReceiptFile, SignedPart
from ledger.protocol.receipt import Receipt

if TYPE_CHECKING:
    from sqlalchemy import Row

    from api.explain.openings import BlobProofs
    from api.reading import Reading


def make_receipt_file(reading: Reading, place: Row[Any], proofs: BlobProofs) -> ReceiptFile:
    """The file of the receipt at (batch_id, fill, position).

    Raises:
        BlobNotAvailableError: the archive lacks the blob that holds it.
    """
    batch = next(row for row in batch_queries.fills(reading, place.batch_id) if row.fill == place.fill)
    (row,) = queries.places_at(reading, batch, [place.position])
    openings = proofs.openings([place_of(batch, fe) for fe in sorted(elements_of(place.position))])
    return ReceiptFile(
        format=RECEIPT_FORMAT,
        chain=chain_part(reading),
        batch=batch_part(reading, batch, [], [], openings),
        place=place_line(row),
        signed=_signed(queries.signed(reading, bytes(batch.operator), batch.lane, row.seq), bytes(row.digest31)),
    )


def _signed(row: Row[Any] | None, digest31: bytes) -> SignedPart | None:
    if row is None or bytes(row.digest)[:31] != digest31:
        return None
    receipt = Receipt(
        operator=bytes(row.operator),
        lane=row.lane,
        seq=row.seq,
        payer=bytes(row.payer),
        asset_id=row.asset_id,
        request_hash=bytes(row.request_hash),
        response_hash=bytes(row.response_hash),
        input_units=row.input_units,
        output_units=row.output_units,
        fee_units=int(row.fee_units),
        attribution_hash=bytes(row.attribution_hash),
        started_at=row.started_at,
        duration_ms=row.duration_ms,
    )
    return SignedPart(receipt=receipt.to_json(), signer=bytes(row.signer), signature=bytes(row.signature))
