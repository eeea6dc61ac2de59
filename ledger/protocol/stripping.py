"""Putting a receipt into an answer, taking it out again, and the two hashes that bind them.

The hashes cover the answer as produced, before any receipt field, so a client first strips what
the gateway put in. `mark_*` and `strip_*` are inverses.
Source: docs/spec/receipt.md.
"""

import json
from typing import Any, Final

from pydantic_core import from_json

from ledger.errors import MalformedInputError
from ledger.protocol.keccak import keccak256

SALT_BYTES: Final = 32
DONE: Final = b"data: [DONE]\n\n"
COMMENT: Final = b": receipt "
_MEMBER: Final = b',"receipt":{"receipt":{'
"""Start of the inserted member. Inside a JSON string the quotes would be escaped, so text that a
model writes can't look like it."""


def salted_hash(salt: bytes, content: bytes) -> bytes:
    """Hash of a request body as received (requestHash), or of an answer as produced (responseHash)."""
    return keccak256(salt, content)


def receipt_member(envelope: dict[str, Any]) -> bytes:
    """The envelope as compact JSON whose first member is `receipt`.

    Raises:
        MalformedInputError: `receipt` does not stand first.
    """
    if next(iter(envelope), None) != "receipt":
        raise MalformedInputError("the envelope's first member must be the receipt")
    return json.dumps(envelope, separators=(",", ":")).encode()


def mark_json(body: bytes, envelope: bytes) -> bytes:
    """The JSON object `body` with the member `receipt` put in before its final brace."""
    if not body.endswith(b"}"):
        raise MalformedInputError("the body is not a JSON object")
    return body[:-1] + b',"receipt":' + envelope + b"}"


def strip_json(body: bytes) -> tuple[bytes, dict[str, Any] | None]:
    """The body as it was hashed, and the envelope that was in it (None when there is none)."""
    at = body.rfind(_MEMBER)
    if at < 0:
        return body, None
    try:
        envelope = from_json(body[at + len(b',"receipt":') : -1])
    except ValueError as error:
        raise MalformedInputError("the receipt in the body is not JSON") from error
    return body[:at] + b"}", envelope


def comment(envelope: bytes) -> bytes:
    """The SSE comment that carries the envelope; stands just before `data: [DONE]`."""
    return COMMENT + envelope + b"\n\n"


def strip_stream(stream: bytes) -> tuple[bytes, dict[str, Any] | None]:
    """The SSE bytes as they were hashed, and the last envelope in them."""
    kept: list[bytes] = []
    found: dict[str, Any] | None = None
    for event in stream.split(b"\n\n"):
        if event.startswith(COMMENT):
            try:
                found = from_json(event[len(COMMENT) :])
            except ValueError as error:
                raise MalformedInputError("the receipt comment is not JSON") from error
            continue
        if event.startswith(b"data: ") and _MEMBER in event:
            event, found = strip_json(event)  # noqa: PLW2901  the stripped event replaces it
        kept.append(event)
    return b"\n\n".join(kept), found
