"""What paths and queries take: addresses, hashes, page sizes and cursors, checked where they come in."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final, Literal

from fastapi import Path, Query
from pydantic_core import from_json, to_json

from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import checksum_address, from_hex

ADDRESS_PATTERN: Final = "^0x[0-9a-fA-F]{40}$"
DIGEST_PATTERN: Final = "^0x([0-9a-fA-F]{62}|[0-9a-fA-F]{64})$"
MOST_ITEMS: Final = 500
LARGEST_ID: Final = 2**63 - 1

IdSort = Annotated[Literal["id", "-id"], Query(description="By rising id, or `-id` by falling: the newest first.")]
AddressPath = Annotated[str, Path(pattern=ADDRESS_PATTERN, examples=["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"])]
AddressQuery = Annotated[str | None, Query(pattern=ADDRESS_PATTERN)]
DigestPath = Annotated[str, Path(pattern=DIGEST_PATTERN, description="Digest: 32 bytes, or the 31 that are posted.")]
IdPath = Annotated[int, Path(ge=0, le=LARGEST_ID)]
Limit = Annotated[int, Query(ge=1, le=MOST_ITEMS, description="Items on a page.")]
Cursor = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before; leave it out for the first page.")
]


def address_of(text: str) -> bytes:
    """20 bytes of an address; a mixed-case one must have the right EIP-55 checksum.

    Raises:
        MalformedInputError: another form, or a checksum that says it was mistyped.
    """
    address = from_hex(text, 20)
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and text[2:] != checksum_address(address)[2:]:
        raise MalformedInputError(f"{text} fails its EIP-55 checksum: a digit is mistyped; or write it in lower case.")
    return address


def optional_address(text: str | None) -> bytes | None:
    """As `address_of`; None stays None."""
    return None if text is None else address_of(text)


def cursor_after(*key: int | bytes) -> str:
    """Opaque cursor of the page that begins after the row with this key."""
    plain = [part if isinstance(part, int) else "0x" + part.hex() for part in key]
    return base64.urlsafe_b64encode(to_json(plain)).decode().rstrip("=")


_FIGURE_BYTES: Final = 32


def as_key(figure: int) -> bytes:
    """A figure as part of a cursor; an exact sum may be larger than any id."""
    return figure.to_bytes(_FIGURE_BYTES, "big")


def ranked_after(cursor: str | None) -> tuple[int, bytes] | None:
    """The place (figure, address) behind a cursor of a list ranked by a figure; None for the first page.

    Raises:
        MalformedInputError: no cursor of ours.
    """
    key = key_of(cursor, (bytes, bytes))
    if key is None:
        return None
    figure, address = map(bytes, key)
    if len(figure) != _FIGURE_BYTES:
        raise MalformedInputError("The cursor is none of this path's; take `next_cursor` as it was given.")
    return int.from_bytes(figure, "big"), address


def key_of(cursor: str | None, kinds: tuple[type, ...]) -> tuple[int | bytes, ...] | None:
    """The key behind a cursor, of these kinds; None for the first page.

    Raises:
        MalformedInputError: no cursor of ours.
    """
    if cursor is None:
        return None
    wrong = MalformedInputError("The cursor is none of this path's; take `next_cursor` as it was given.")
    try:
        plain = from_json(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise wrong from error
    if not isinstance(plain, list) or len(plain) != len(kinds):
        raise wrong
    return tuple(_part(value, kind, wrong) for value, kind in zip(plain, kinds, strict=True))


def _part(value: object, kind: type, wrong: MalformedInputError) -> int | bytes:
    if kind is int:
        if type(value) is not int or not -1 <= value <= LARGEST_ID:
            raise wrong
        return value
    if not isinstance(value, str) or len(value) % 2:
        raise wrong
    return from_hex(value, (len(value) - 2) // 2)
