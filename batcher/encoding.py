"""Receipts to blobs, judged by a challenger's rules before anybody else sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import BatchMismatchError
from ledger.protocol.blob.decode import decode
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.blob.faults import find_faults

if TYPE_CHECKING:
    from collections.abc import Sequence


def encode_checked(entries: Sequence[BatchEntry], method: bytes, params_hash: bytes) -> EncodedBatch:
    """The blobs of these receipts, decoded again and found without fault.

    Raises:
        BatchOverflowError: they do not fit one batch.
        BatchMismatchError: the blobs break a rule, or do not carry these receipts; posting them would cost the bond.
    """
    batch = encode(entries, method, params_hash)
    columns = decode(batch.blobs, method, params_hash)
    faults = find_faults(columns, batch.header, batch.charges)
    if faults:
        raise BatchMismatchError(f"The encoded batch breaks a rule ({faults[0].rule}: {faults[0].detail}).")
    carried = [row.tobytes() for row in columns.digests]
    if carried != [entry.digest[:31] for entry in batch.entries]:
        raise BatchMismatchError("The encoded batch does not carry the receipts that were given.")
    return batch
