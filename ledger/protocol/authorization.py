"""SpendAuthorization: what a payer allows one operator to collect, in total and until when.

Source: docs/spec/receipt.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ledger.errors import MalformedInputError
from ledger.protocol.domain import Domain, address_word, word
from ledger.protocol.hexadecimal import from_hex, to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import MAX_U40, MAX_U64

AUTHORIZATION_TYPE: Final = "SpendAuthorization(address payer,address operator,uint64 cumulativeCap,uint40 validUntil)"
_TYPEHASH: Final = keccak256(AUTHORIZATION_TYPE.encode())


@dataclass(frozen=True, slots=True)
class SpendAuthorization:
    """A cap on the sum of all charges ever; in the domain of the PaymentEscrow contract."""

    payer: bytes
    operator: bytes
    cumulative_cap_units: int
    valid_until: int

    def struct_hash(self) -> bytes:
        """32-byte EIP-712 hash of the struct."""
        return keccak256(
            _TYPEHASH,
            address_word(self.payer),
            address_word(self.operator),
            word(self.cumulative_cap_units),
            word(self.valid_until),
        )

    def digest(self, domain: Domain) -> bytes:
        """32 bytes that the payer or its session key signs."""
        return domain.digest(self.struct_hash())

    def signed_json(self, signature: bytes) -> dict[str, Any]:
        """What a gateway takes: the EIP-712 message, its `cumulativeCap` as a decimal string, and the signature."""
        message = {
            "payer": to_hex(self.payer),
            "operator": to_hex(self.operator),
            "cumulativeCap": str(self.cumulative_cap_units),
            "validUntil": self.valid_until,
        }
        return {"authorization": message, "signature": to_hex(signature)}

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> "SpendAuthorization":
        """The authorization in the EIP-712 message's JSON form.

        Raises:
            MalformedInputError: a field is missing or of another form.
        """
        return cls(
            payer=from_hex(message.get("payer"), 20),
            operator=from_hex(message.get("operator"), 20),
            cumulative_cap_units=_unsigned(message, "cumulativeCap", MAX_U64),
            valid_until=_unsigned(message, "validUntil", MAX_U40),
        )


def _unsigned(message: Mapping[str, Any], name: str, most: int) -> int:
    value = message.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise MalformedInputError(f"{name} must be an unsigned integer, at most {most}")
    return value
