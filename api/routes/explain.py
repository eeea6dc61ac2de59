"""GET …/explain, …/proof and /v1/blobs: what `tributary verify` checks without trusting this API."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response

from api.explain.kept_files import KeptFiles
from api.explain.openings import BlobProofs
from api.explain.payout_file import make_payout_file
from api.explain.receipt_file import make_receipt_file
from api.parameters import LARGEST_ID, AddressPath, DigestPath, address_of
from api.queries import batches as batch_queries
from api.queries import distributions as distribution_queries
from api.reading import IN_TURN, CurrentReading
from ledger.archive import BlobArchive
from ledger.errors import NotFoundError
from ledger.protocol.explain.document import PayoutFile, ReceiptFile
from ledger.protocol.hexadecimal import from_hex

router = APIRouter(tags=["proofs"])

HASH_PATTERN: Final = "^0x01[0-9a-fA-F]{62}$"
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@router.get(
    "/contributors/{payee}/explain",
    response_class=Response,
    responses={200: {"model": PayoutFile}},
    dependencies=[IN_TURN],
)
def explain_payout(
    request: Request,
    reading: CurrentReading,
    payee: AddressPath,
    distribution: Annotated[int, Query(ge=1, le=LARGEST_ID, description="Root index of the distribution.")],
) -> Response:
    """Why this address is paid what the distribution says: a file for `tributary verify payout`, offline.

    It holds the tree proof, the sources of the amount, the terms, and the batches with their blobs or openings.
    """
    who = address_of(payee)
    roots = distribution_queries.roots(reading, before=LARGEST_ID, limit=1, root_index=distribution)
    if not roots:
        raise NotFoundError(f"There is no root {distribution}; GET /v1/distributions lists them.")
    kept, proofs = _tools(request)
    root = roots[0]
    content = kept.get_or_make(
        f"payout-{bytes(root.root).hex()}-{who.hex()}",
        lambda: make_payout_file(reading, root, who, proofs).model_dump_json(by_alias=True).encode(),
    )
    return _file(content, f"payout-{distribution}-{payee}.json")


@router.get(
    "/receipts/{digest}/proof",
    response_class=Response,
    responses={200: {"model": ReceiptFile}},
    dependencies=[IN_TURN],
)
def prove_receipt(request: Request, reading: CurrentReading, digest: DigestPath) -> Response:
    """Where a receipt stands, proven by KZG openings: a file for `tributary verify receipt`, offline."""
    places = batch_queries.places_of_digest(reading, from_hex(digest[:64], 31))
    if not places:
        raise NotFoundError("No batch that is read so far holds this digest; it may still be on its way.")
    _, proofs = _tools(request)
    file = make_receipt_file(reading, places[-1], proofs)
    return _file(file.model_dump_json(by_alias=True).encode(), f"receipt-{digest}.json", caching="no-cache")


@router.get(
    "/blobs/{versioned_hash}",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The blob's 131,072 bytes."}},
)
def blob(request: Request, versioned_hash: Annotated[str, Path(pattern=HASH_PATTERN)]) -> Response:
    """A blob by its versioned hash, so that anybody can rebuild the ledger after beacon nodes have dropped it."""
    content = BlobArchive(request.app.state.archive).get(from_hex(versioned_hash, 32))
    if content is None:
        raise NotFoundError("The archive of this API does not have this blob.")
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"cache-control": _FOR_EVER, "etag": f'"{versioned_hash}"'},
    )


def _tools(request: Request) -> tuple[KeptFiles, BlobProofs]:
    return request.app.state.kept_files, request.app.state.blob_proofs


def _file(content: bytes, name: str, caching: str = _FOR_EVER) -> Response:
    return Response(
        content,
        media_type="application/json",
        headers={"cache-control": caching, "content-disposition": f'inline; filename="{name}"'},
    )
