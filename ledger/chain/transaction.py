"""Transactions of type 2 (fee market) and 3 (blobs): what they say, their bytes and their hash.

Built with rlp and coincurve directly: a blob transaction then costs no second load of the KZG
trusted setup, and the hash is known before anything is sent.
Source: EIP-1559, EIP-4844, EIP-2718.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import rlp
from coincurve import PrivateKey

from ledger.errors import MalformedInputError
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of, recover, sign

GAS_PER_BLOB: Final = 2**17
FEE_MARKET: Final = 2
BLOB: Final = 3


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does: calldata and wei for a contract, or a creation (`to` is empty)."""

    to: bytes
    data: bytes
    value_wei: int = 0


@dataclass(frozen=True, slots=True)
class Fees:
    """Ceilings in wei per unit of gas; `max_blob_fee_wei` counts for blob transactions only."""

    max_fee_wei: int
    max_priority_fee_wei: int
    max_blob_fee_wei: int = 0


@dataclass(frozen=True, slots=True)
class Transaction:
    """An unsigned transaction; it is of type 3 if it names blobs."""

    chain_id: int
    nonce: int
    gas_limit: int
    fees: Fees
    call: Call
    versioned_hashes: tuple[bytes, ...] = ()

    @property
    def kind(self) -> int:
        """EIP-2718 type."""
        return BLOB if self.versioned_hashes else FEE_MARKET

    def fields(self) -> list[Any]:
        """The RLP items before the signature."""
        call, fees = self.call, self.fees
        items = [
            self.chain_id,
            self.nonce,
            fees.max_priority_fee_wei,
            fees.max_fee_wei,
            self.gas_limit,
            call.to,
            call.value_wei,
            call.data,
            [],
        ]
        return [*items, fees.max_blob_fee_wei, list(self.versioned_hashes)] if self.versioned_hashes else items

    def sign(self, key: PrivateKey) -> "SignedTransaction":
        """The signed transaction; the same input gives the same bytes (RFC 6979)."""
        kind = bytes([self.kind])
        signature = sign(keccak256(kind, rlp.encode(self.fields())), key)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:64])
        raw = kind + rlp.encode([*self.fields(), signature[64] - 27, r, s])
        return SignedTransaction(self, raw, keccak256(raw), address_of(key))

    def with_fees(self, fees: Fees) -> "Transaction":
        """The same transaction with other ceilings."""
        return replace(self, fees=fees)


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction with its canonical bytes (without blobs), its hash and its sender."""

    transaction: Transaction
    raw: bytes
    hash: bytes
    sender: bytes

    @property
    def nonce(self) -> int:
        """The sender's nonce."""
        return self.transaction.nonce


def parse_signed(raw: bytes) -> SignedTransaction:
    """A signed transaction of type 2 or 3 from its canonical bytes, its sender recovered.

    Raises:
        MalformedInputError: another type, or not such a transaction's RLP.
        BadSignatureError: the signature recovers to no key.
    """
    try:
        items = rlp.decode(raw[1:])
        kind, *head = raw[0], *(int.from_bytes(item) for item in items[:5])
        chain_id, nonce, priority, ceiling, gas_limit = head
        blob_fee, hashes = (int.from_bytes(items[9]), tuple(items[10])) if kind == BLOB else (0, ())
        if kind not in (FEE_MARKET, BLOB) or len(items) != (14 if kind == BLOB else 12):
            raise MalformedInputError("This is not a signed transaction of type 2 or 3.")
        call = Call(bytes(items[5]), bytes(items[7]), int.from_bytes(items[6]))
    except (rlp.DecodingError, IndexError, TypeError, ValueError) as error:
        raise MalformedInputError("This is not a signed transaction of type 2 or 3.") from error
    fees = Fees(ceiling, priority, blob_fee)
    transaction = Transaction(chain_id, nonce, gas_limit, fees, call, hashes)
    return SignedTransaction(transaction, raw, keccak256(raw), _sender(transaction, items[-3:]))


def _sender(transaction: Transaction, signature: Sequence[bytes]) -> bytes:
    parity, r, s = signature
    compact = r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([int.from_bytes(parity) + 27])
    digest = keccak256(bytes([transaction.kind]), rlp.encode(transaction.fields()))
    return recover(digest, compact)
