"""A batch's blobs held against everything that a challenge can prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ledger.errors import BlobFormatError
from ledger.protocol.blob.decode import BatchColumns, decode
from ledger.protocol.blob.faults import find_faults
from ledger.protocol.blob.sets import well_formed_sets
from ledger.protocol.judging.format import format_proof, header_proof
from ledger.protocol.judging.rulebook import TermsWindow
from ledger.protocol.judging.signed import signed_proofs
from ledger.protocol.judging.terms import terms_proofs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ledger.chain.contracts.challenges import CommittedBatch
    from ledger.protocol.judging.proof import Proof
    from ledger.protocol.judging.rulebook import Rulebook
    from ledger.protocol.receipt import SignedReceipt


def proofs(
    batch: CommittedBatch,
    blobs: Sequence[bytes],
    signed: Sequence[SignedReceipt],
    rules: Callable[[list[int]], Rulebook],
) -> Iterator[Proof]:
    """What the batch can be challenged with, the cheapest and surest first; nothing for an honest batch.

    Args:
        batch: what the chain states.
        blobs: its blobs, known to match its versioned hashes.
        signed: receipts of its lane and seqs that clients kept.
        rules: the rulebook for these asset ids; asked only if the bytes are sound.
    """
    header = header_proof(blobs, batch.header)
    if header is not None:
        yield header
        return
    try:
        columns = decode(blobs)
    except BlobFormatError:
        return  # can't be: the header elements are the committed ones, whose layout fits
    window = TermsWindow(batch.record.terms_from, batch.record.first_committed_at)
    faults = find_faults(columns, batch.header, batch.charges)
    yield from (format_proof(fault, columns) for fault in faults)
    sets = well_formed_sets(columns)
    if faults or sets is None:
        return
    yield from terms_proofs(columns, sets, rules(_asset_ids(columns)), window)
    for receipt in signed:
        yield from signed_proofs(columns, receipt)


def _asset_ids(columns: BatchColumns) -> list[int]:
    return [int(asset_id) for asset_id in np.unique(columns.asset_id)]
