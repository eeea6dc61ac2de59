"""A batch's header, its charges, and the batch_commitment that stands for it on L2.

Source: docs/spec/batch_commitment.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.protocol.domain import address_word, word
from ledger.protocol.hexadecimal import ZERO_HASH
from ledger.protocol.keccak import keccak256

HEADER_WORDS: Final = 11


class Charge(NamedTuple):
    """What one payer owes for a batch; charges stand in strictly ascending payer order."""

    payer: bytes
    amount_units: int


@dataclass(frozen=True, slots=True)
class BatchHeader:
    """The header fields of FE 0 and 1, with the attribution method that the blobs don't carry."""

    operator: bytes
    lane: int
    first_seq: int
    count: int
    payer_count: int
    set_fe_count: int
    total_fee_units: int
    blob_count: int
    base_time: int
    attribution_method: bytes = ZERO_HASH
    attribution_params_hash: bytes = ZERO_HASH

    def abi_words(self) -> bytes:
        """The header as a static ABI tuple: 11 words."""
        return (
            address_word(self.operator)
            + word(self.lane)
            + word(self.first_seq)
            + word(self.count)
            + word(self.payer_count)
            + word(self.set_fe_count)
            + word(self.total_fee_units)
            + word(self.blob_count)
            + word(self.base_time)
            + self.attribution_method
            + self.attribution_params_hash
        )


def batch_commitment(header: BatchHeader, versioned_hashes: Sequence[bytes], charges: Sequence[Charge]) -> bytes:
    """keccak256(abi.encode(header, versionedHashes, charges)): 32 bytes.

    Args:
        header: the batch's header.
        versioned_hashes: 32 bytes a blob, in blob order.
        charges: strictly ascending by payer.
    """
    hashes_at = (HEADER_WORDS + 2) * 32
    charges_at = hashes_at + 32 * (1 + len(versioned_hashes))
    return keccak256(
        header.abi_words(),
        word(hashes_at),
        word(charges_at),
        word(len(versioned_hashes)),
        *versioned_hashes,
        word(len(charges)),
        *(address_word(payer) + word(amount) for payer, amount in charges),
    )


def post_hash(versioned_hashes: Sequence[bytes]) -> bytes:
    """Name of a post: keccak256 of its versioned hashes laid end to end."""
    return keccak256(*versioned_hashes)
