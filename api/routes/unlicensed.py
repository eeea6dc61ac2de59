"""GET /v1/assets/{id}/unlicensed-uses: for a dataset's owner alone, since it says what stood in private answers."""

import time
from typing import Annotated

from fastapi import APIRouter, Header

from api.parameters import LARGEST_ID, Cursor, IdPath, Limit, cursor_after, key_of
from api.queries import assets as asset_queries
from api.queries import unlicensed as queries
from api.reading import CurrentReading
from api.schemas.figures import Page, ReadAt, address, hex_of
from api.schemas.unlicensed import UnlicensedUse
from ledger.errors import BadSignatureError, MalformedInputError, NotFoundError
from ledger.protocol.hexadecimal import checksum_address, from_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import recover
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS

router = APIRouter(prefix="/assets", tags=["assets"])

_NEWEST = (LARGEST_ID, LARGEST_ID, LARGEST_ID, LARGEST_ID)


@router.get("/{asset_id}/unlicensed-uses")
def unlicensed_uses(
    reading: CurrentReading,
    asset_id: IdPath,
    signed_at: Annotated[int, Header(alias="x-signed-at", description="Unix seconds at which the owner signed.")],
    signature: Annotated[
        str, Header(alias="x-owner-signature", description="65 bytes, personal_sign by the owner; see docs/spec.")
    ],
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UnlicensedUse]:
    """Passages of a dataset that stood in answers of assets whose terms do not admit it, newest first.

    Its owner asks, with a signature (EIP-191 personal_sign) over `Tributary: unlicensed uses of asset ID at SECONDS`
    that is at most five minutes old.
    """
    found = asset_queries.assets(reading, asset_id=asset_id)
    if not found:
        raise NotFoundError(f"There is no asset {asset_id}; GET /v1/assets lists them.")
    _check_owner(asset_id, found[0].owner, signed_at, signature)
    key = key_of(cursor, (int, int, int, int))
    before = _NEWEST if key is None else (int(key[0]), int(key[1]), int(key[2]), int(key[3]))
    rows = queries.uses(reading, asset_id, before, limit + 1)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    items = [
        UnlicensedUse(
            operator=address(row.operator),
            lane=row.lane,
            seq=row.seq,
            digest=hex_of(row.digest),
            asset_id=row.asset_id,
            path=row.path,
            byte_offset=row.byte_offset,
            words=row.words,
            millibits=row.millibits,
            noted_at=int(row.noted_at.timestamp()),
        )
        for row in shown
    ]
    following = None if last is None else cursor_after(last.noted, last.lane, last.seq, last.position)
    return Page[UnlicensedUse](read_at=ReadAt.of(reading), items=items, next_cursor=following)


def owner_message(asset_id: int, signed_at: int) -> bytes:
    """Digest that the owner signs: EIP-191, as every wallet's personal_sign makes it."""
    text = f"Tributary: unlicensed uses of asset {asset_id} at {signed_at}".encode()
    return keccak256(b"\x19Ethereum Signed Message:\n", str(len(text)).encode(), text)


def _check_owner(asset_id: int, owner: bytes, signed_at: int, signature: str) -> None:
    if abs(time.time() - signed_at) > CLOCK_TOLERANCE_SECONDS:
        raise MalformedInputError("x-signed-at is not now; sign again.")
    try:
        signer = recover(owner_message(asset_id, signed_at), from_hex(signature, 65))
    except BadSignatureError as error:
        raise MalformedInputError(f"x-owner-signature is no signature: {error}.") from error
    if signer != owner:
        raise MalformedInputError(
            f"x-owner-signature is by {checksum_address(signer)}; only the owner, {checksum_address(owner)}, may ask."
        )
