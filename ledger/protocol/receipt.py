"""The receipt: what one inference used and what it costs, as an EIP-712 struct.

Hashing packs the words directly instead of walking a type tree.
Source: docs/spec/receipt.md; golden vectors in tests/vectors/protocol.json.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.errors import InvalidReceiptError, MalformedInputError
from ledger.protocol.domain import Domain
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256

RECEIPT_TYPE: Final = (
    "InferenceReceipt(address operator,uint16 lane,uint64 seq,address payer,uint32 assetId,"
    "bytes32 requestHash,bytes32 responseHash,uint24 inputUnits,uint24 outputUnits,"
    "uint64 feeUnits,bytes32 attributionHash,uint40 startedAt,uint32 durationMs)"
)
RECEIPT_TYPEHASH: Final = keccak256(RECEIPT_TYPE.encode())
_PAD = bytes(12)
_BITS: Final = {
    "lane": 16,
    "seq": 64,
    "asset_id": 32,
    "input_units": 24,
    "output_units": 24,
    "fee_units": 64,
    "started_at": 40,
    "duration_ms": 32,
}
_BYTES: Final = {
    "operator": 20,
    "payer": 20,
    "request_hash": 32,
    "response_hash": 32,
    "attribution_hash": 32,
}
_JSON_NAMES: Final = {
    "operator": "operator",
    "lane": "lane",
    "seq": "seq",
    "payer": "payer",
    "asset_id": "assetId",
    "request_hash": "requestHash",
    "response_hash": "responseHash",
    "input_units": "inputUnits",
    "output_units": "outputUnits",
    "fee_units": "feeUnits",
    "attribution_hash": "attributionHash",
    "started_at": "startedAt",
    "duration_ms": "durationMs",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """One inference. Addresses are 20 bytes, hashes 32, fee in base units, time in Unix seconds."""

    operator: bytes
    lane: int
    seq: int
    payer: bytes
    asset_id: int
    request_hash: bytes
    response_hash: bytes
    input_units: int
    output_units: int
    fee_units: int
    attribution_hash: bytes
    started_at: int
    duration_ms: int

    def check(self) -> None:
        """Nothing, if every field fits its ABI type.

        Raises:
            InvalidReceiptError: a field is out of range or of another length.
        """
        for name, bits in _BITS.items():
            if not 0 <= getattr(self, name) < 1 << bits:
                raise InvalidReceiptError(f"{name} does not fit uint{bits}")
        for name, size in _BYTES.items():
            if len(getattr(self, name)) != size:
                raise InvalidReceiptError(f"{name} is not {size} bytes")

    def struct_hash(self) -> bytes:
        """32-byte EIP-712 hash of the struct."""
        return keccak256(
            RECEIPT_TYPEHASH
            + _PAD
            + self.operator
            + self.lane.to_bytes(32, "big")
            + self.seq.to_bytes(32, "big")
            + _PAD
            + self.payer
            + self.asset_id.to_bytes(32, "big")
            + self.request_hash
            + self.response_hash
            + self.input_units.to_bytes(32, "big")
            + self.output_units.to_bytes(32, "big")
            + self.fee_units.to_bytes(32, "big")
            + self.attribution_hash
            + self.started_at.to_bytes(32, "big")
            + self.duration_ms.to_bytes(32, "big")
        )

    def digest(self, domain: Domain) -> bytes:
        """32 bytes that the lane key signs."""
        return domain.digest(self.struct_hash())

    def to_json(self) -> dict[str, str | int]:
        """The EIP-712 message: hex addresses and hashes, `feeUnits` as a decimal string."""
        out: dict[str, str | int] = {}
        for name, json_name in _JSON_NAMES.items():
            value = getattr(self, name)
            out[json_name] = to_hex(value) if name in _BYTES else value
        out["feeUnits"] = str(self.fee_units)
        return out

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> "Receipt":
        """A checked receipt from the JSON that `to_json` writes.

        Raises:
            MalformedInputError: a field is missing or of another form.
            InvalidReceiptError: a number does not fit its type.
        """
        fields: dict[str, Any] = {}
        for name, json_name in _JSON_NAMES.items():
            if json_name not in message:
                raise MalformedInputError(f"the receipt has no field {json_name}")
            value = message[json_name]
            fields[name] = from_hex(value, _BYTES[name]) if name in _BYTES else _integer(value)
        receipt = cls(**fields)
        receipt.check()
        return receipt


@dataclass(frozen=True, slots=True)
class SignedReceipt:
    """A receipt with its digest and the lane key's 65-byte signature over it."""

    receipt: Receipt
    digest: bytes
    signature: bytes


def _integer(value: object) -> int:
    """An int from a JSON number or a plain decimal string (at most 20 digits: uint64)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        return int(value)
    raise MalformedInputError(f"not an unsigned integer: {value!r:.60}")
