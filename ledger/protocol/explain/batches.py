"""A batch of the file: its batch_commitment, and that the sums follow from what its blobs hold."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ledger.protocol.batch import Charge, batch_commitment
from ledger.protocol.entitlement import weights
from ledger.protocol.explain.reading import ProvenElements, receipts_of_blobs
from ledger.protocol.explain.refusal import require
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from ledger.protocol.explain.document import BatchPart, PlaceLine
    from ledger.protocol.explain.reading import ProvenReceipt
    from ledger.protocol.explain.terms import TermsBook

SumKey = tuple[int, int, int, int]
"""(asset id, its version, dataset id, its version)"""


def check_commitment(path: str, batch: BatchPart) -> None:
    """That header, versioned hashes and charges are those which the batch_commitment stands for."""
    header, charges = batch.header.header(), [Charge(line.payer, line.amount) for line in batch.charges]
    require(len(charges) == header.payer_count, f"{path}.charges", "there is not one a payer")
    total = sum(charge.amount_units for charge in charges)
    require(total == header.total_fee_units, f"{path}.charges", "they do not sum to the total fee")
    require(len(batch.versioned_hashes) == header.blob_count, f"{path}.versionedHashes", "there is not one a blob")
    commitment = batch_commitment(header, batch.versioned_hashes, charges)
    require(commitment == batch.batch_commitment, f"{path}.batchCommitment", "header, hashes and charges give another")


def check_batch(path: str, batch: BatchPart, terms: TermsBook) -> bool:
    """Whether the sums are proven by whole blobs; False if only their total and the sampled receipts are, by openings.

    Raises:
        ExplainError: anything that the file says of the batch does not hold.
    """
    check_commitment(path, batch)
    window = batch.terms_from <= batch.first_committed_at
    require(window, f"{path}.termsFrom", "it is after the commit")
    places = {line.position: n for n, line in enumerate(batch.receipts)}
    require(len(places) == len(batch.receipts), f"{path}.receipts", "one stands twice")
    if batch.blobs:
        require(not batch.openings, f"{path}.openings", "whole blobs need none")
        _check_blobs(path, batch, places, terms)
        return True
    _check_openings(path, batch)
    return False


def _check_blobs(path: str, batch: BatchPart, places: dict[int, int], terms: TermsBook) -> None:
    proven: defaultdict[SumKey, int] = defaultdict(int)
    seen = 0
    for receipt in receipts_of_blobs(path, batch):
        _weigh(proven, batch, receipt, terms)
        if receipt.position in places:
            n = places[receipt.position]
            check_place(f"{path}.receipts[{n}]", batch, batch.receipts[n], receipt)
            seen += 1
    require(seen == len(places), f"{path}.receipts", "one is not in the batch")
    for n, line in enumerate(batch.sums):
        key = (line.asset_id, line.asset_version, line.dataset_id, line.dataset_version)
        found = proven.pop(key, 0)
        require(found == line.weighted_fee, f"{path}.sums[{n}].weightedFee", f"the blobs give {found}")
    require(not proven, f"{path}.sums", "the blobs give more of them")


def _weigh(into: dict[SumKey, int], batch: BatchPart, receipt: ProvenReceipt, terms: TermsBook) -> None:
    """Add a receipt's weighted fees, by the terms in force at its terms time."""
    second = min(max(receipt.started_at, batch.terms_from), batch.first_committed_at)
    version = terms.version(receipt.asset_id, second)
    asset = terms.of(receipt.asset_id, version)
    for dataset, dataset_version, ppm in weights(asset, receipt.entries, lambda k: terms.version(k, second)):
        into[receipt.asset_id, version, dataset, dataset_version] += receipt.fee_units * ppm


def _check_openings(path: str, batch: BatchPart) -> None:
    elements = ProvenElements(path, batch.openings, batch.versioned_hashes)
    running = elements.public(batch.header.count - 1).cumulative_fee_units
    require(running == batch.header.total_fee, f"{path}.header.totalFee", f"the last running sum is {running}")
    weighted = sum(line.weighted_fee for line in batch.sums)
    require(weighted == running * PPM, f"{path}.sums", "they do not add up to the total fee")
    for n, line in enumerate(batch.receipts):
        here = f"{path}.receipts[{n}]"
        require(line.position < batch.header.count, f"{here}.position", "the batch is shorter")
        check_place(here, batch, line, elements.receipt(line.position, batch))


def check_place(path: str, batch: BatchPart, line: PlaceLine, proven: ProvenReceipt) -> None:
    """That a receipt's line says what the blobs hold at its position."""
    require(proven.payer_index < len(batch.charges), f"{path}.payer", "the batch has no such payer")
    for name, field, holds in (
        ("digest31", line.digest31, proven.digest31),
        ("seq", line.seq, proven.seq),
        ("payer", line.payer, batch.charges[proven.payer_index].payer),
        ("assetId", line.asset_id, proven.asset_id),
        ("fee", line.fee, proven.fee_units),
        ("inputUnits", line.input_units, proven.input_units),
        ("outputUnits", line.output_units, proven.output_units),
        ("startedAt", line.started_at, proven.started_at),
    ):
        require(field == holds, f"{path}.{name}", "the blob says otherwise")
