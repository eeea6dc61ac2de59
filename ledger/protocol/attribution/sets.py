"""Attribution sets: whose data an answer drew on, in ppm that sum to one million.

Source: docs/spec/blob.md.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ledger.errors import InvalidAttributionSetError
from ledger.protocol.hexadecimal import ZERO_HASH
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import MAX_U32, PPM

ENTRIES_PER_PART: Final = 4
MAX_PARTS: Final = 4
MAX_ENTRIES: Final = ENTRIES_PER_PART * MAX_PARTS
ENTRY_BYTES: Final = 7
BY_TERMS: Final = 0
"""assetId that stands for "by the terms' weights"."""


class SetEntry(NamedTuple):
    """A share of one answer: dataset `asset_id` earns `ppm` of the receipt's data share."""

    asset_id: int
    ppm: int


AttributionSet = tuple[SetEntry, ...]
"""Empty (no set), or 1 to 16 entries with strictly ascending assetIds and ppm summing to PPM."""


def check_set(entries: Sequence[SetEntry]) -> AttributionSet:
    """The entries as a checked set.

    Raises:
        InvalidAttributionSetError: more than 16 entries, assetIds not strictly ascending, an
            entry of zero ppm, or ppm that do not sum to 1,000,000.
    """
    if not entries:
        return ()
    if len(entries) > MAX_ENTRIES:
        raise InvalidAttributionSetError(f"{len(entries)} entries, at most {MAX_ENTRIES} fit")
    previous = -1
    for asset_id, ppm in entries:
        if not previous < asset_id <= MAX_U32:
            raise InvalidAttributionSetError("assetIds must be strictly ascending uint32")
        if not 0 < ppm <= PPM:
            raise InvalidAttributionSetError(f"asset {asset_id} has {ppm} ppm")
        previous = asset_id
    if sum(ppm for _, ppm in entries) != PPM:
        raise InvalidAttributionSetError("ppm must sum to 1000000")
    return tuple(SetEntry(*entry) for entry in entries)


def entry_bytes(entries: Sequence[SetEntry]) -> bytes:
    """The used entries as they stand in the blob: 7 bytes each, assetId u32 then ppm u24."""
    return b"".join(a.to_bytes(4, "big") + p.to_bytes(3, "big") for a, p in entries)


def attribution_hash(entries: Sequence[SetEntry]) -> bytes:
    """`attributionHash` of a receipt: keccak256 of the used entries, 32 zero bytes for no set."""
    return keccak256(entry_bytes(entries)) if entries else ZERO_HASH
