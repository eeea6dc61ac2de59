"""EIP-712 domains of the protocol's signed messages.

All share the name and version; the chain and the verifying contract keep them apart.
Source: EIP-712; docs/spec/receipt.md.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ledger.protocol.keccak import keccak256

DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_DOMAIN_TYPEHASH: Final = keccak256(DOMAIN_TYPE.encode())


def word(value: int) -> bytes:
    """An unsigned integer as one 32-byte big-endian ABI word."""
    return value.to_bytes(32, "big")


def address_word(address: bytes) -> bytes:
    """A 20-byte address as one ABI word."""
    return bytes(12) + address


@dataclass(frozen=True)
class Domain:
    """Where a signature counts: one contract on one chain."""

    chain_id: int
    verifying_contract: bytes
    name: str = "Tributary"
    version: str = "1"

    @cached_property
    def separator(self) -> bytes:
        """32-byte EIP-712 domain separator."""
        return keccak256(
            _DOMAIN_TYPEHASH,
            keccak256(self.name.encode()),
            keccak256(self.version.encode()),
            word(self.chain_id),
            address_word(self.verifying_contract),
        )

    def digest(self, struct_hash: bytes) -> bytes:
        """32 bytes that a key signs for the struct with this hash."""
        return keccak256(b"\x19\x01", self.separator, struct_hash)
