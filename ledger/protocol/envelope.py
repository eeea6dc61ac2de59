"""The envelope that travels with an answer, as its receiver reads it.

Source: docs/spec/receipt.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.errors import MalformedInputError, ProtocolError
from ledger.protocol.attribution import SetEntry
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.stripping import strip_json, strip_stream


@dataclass(frozen=True, slots=True)
class Envelope:
    """A receipt with what its receiver needs to check it; nothing of it is checked yet but its form."""

    document: Mapping[str, Any]
    """The JSON as it stood in the answer."""
    receipt: Receipt
    signature: bytes
    salt: bytes
    entries: tuple[SetEntry, ...]
    params_hash: bytes | None = None
    """Of the listing by which the answer was looked through for its set; None where it was not."""


def parse_envelope(document: Any) -> Envelope:
    """The envelope in a JSON object.

    Raises:
        MalformedInputError: a member is missing or of another form.
    """
    try:
        receipt = Receipt.from_json(document["receipt"])
        entries = tuple(SetEntry(_plain(entry["assetId"]), _plain(entry["ppm"])) for entry in document["set"])
        signature, salt = from_hex(document["signature"], 65), from_hex(document["salt"], 32)
        named = document.get("attributionParamsHash")
        params_hash = None if named is None else from_hex(named, 32)
    except (ProtocolError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedInputError(f"An answer's receipt can't be read: {error}.") from error
    return Envelope(document, receipt, signature, salt, entries, params_hash)


def read_answer(answer: bytes, *, streamed: bool) -> tuple[bytes, Envelope | None]:
    """The answer as it was produced, which responseHash covers, and the envelope that came with it, if one did.

    Raises:
        MalformedInputError: what stands in the envelope's place is none.
    """
    produced, document = (strip_stream if streamed else strip_json)(answer)
    return produced, None if document is None else parse_envelope(document)


def _plain(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedInputError("a set's numbers are integers")
    return value
