"""SpendAuthorization: what a payer allows one operator to collect, in total and until when.

Source: docs/spec/receipt.md.
"""

from dataclasses import dataclass
from typing import Final

from ledger.protocol.domain import Domain, address_word, word
from ledger.protocol.keccak import keccak256

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
