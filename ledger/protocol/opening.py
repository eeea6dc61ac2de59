"""An opening: everything behind one receipt, so that somebody else can check the hashes and make the set again.

Source: docs/spec/draw.md.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json

from ledger.errors import MalformedInputError, ProtocolError
from ledger.protocol.attribution import AttributionSet, SetEntry, attribution_hash, check_set
from ledger.protocol.domain import Domain
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.stripping import salted_hash

FORMAT: Final = "tributary opening 1"


@dataclass(frozen=True, slots=True)
class Opening:
    """A receipt, what it was hashed from, and the listing of the parameters that its set was made by."""

    receipt: Receipt
    salt: bytes
    request: bytes
    produced: bytes
    entries: AttributionSet
    parameters: bytes

    def to_json(self) -> dict[str, Any]:
        """What the operator answers."""
        return {
            "format": FORMAT,
            "receipt": self.receipt.to_json(),
            "salt": to_hex(self.salt),
            "set": [{"assetId": asset_id, "ppm": ppm} for asset_id, ppm in self.entries],
            "request": b64encode(self.request).decode(),
            "produced": b64encode(self.produced).decode(),
            "parameters": self.parameters.decode(),
        }

    def faults(self, digest31: bytes, domain: Domain) -> Sequence[str]:
        """Which of its hashes are not those of the posted receipt; none if it opens it."""
        mine = {
            "digest": (self.receipt.digest(domain)[:31], digest31),
            "requestHash": (salted_hash(self.salt, self.request), self.receipt.request_hash),
            "responseHash": (salted_hash(self.salt, self.produced), self.receipt.response_hash),
            "attributionHash": (attribution_hash(self.entries), self.receipt.attribution_hash),
        }
        return [name for name, (found, expected) in mine.items() if found != expected]


def asking_digest(lane: int, seq: int, signed_at: int) -> bytes:
    """What an attester signs to be given an opening: EIP-191, as personal_sign makes it."""
    text = f"Tributary: opening of lane {lane} seq {seq} at {signed_at}".encode()
    return keccak256(b"\x19Ethereum Signed Message:\n", str(len(text)).encode(), text)


def parse_opening(content: bytes) -> Opening:
    """The opening in an operator's answer.

    Raises:
        MalformedInputError: it is none.
    """
    try:
        document: Any = from_json(content)  # unlike json.loads, bounded in depth whatever the recursion limit is
        if document["format"] != FORMAT:
            raise MalformedInputError(f"its format is not {FORMAT!r}")
        return Opening(
            receipt=Receipt.from_json(document["receipt"]),
            salt=from_hex(document["salt"], 32),
            request=b64decode(document["request"], validate=True),
            produced=b64decode(document["produced"], validate=True),
            entries=check_set([SetEntry(_whole(entry["assetId"]), _whole(entry["ppm"])) for entry in document["set"]]),
            parameters=document["parameters"].encode(),
        )
    except (ValueError, KeyError, TypeError, AttributeError, ProtocolError) as error:
        raise MalformedInputError(f"this is no opening: {error}") from error


def _whole(value: object) -> int:
    if type(value) is not int:
        raise MalformedInputError("a set's numbers are integers")
    return value
