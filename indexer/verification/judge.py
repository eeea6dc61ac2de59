"""A batch's blobs held against its commit and the rules in force: the verdict, and the rows if it is good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from indexer.verification import findings as found
from indexer.verification.findings import Challenge, Finding, format_finding
from indexer.verification.prices import price_findings
from indexer.verification.rulebook import versions_at
from indexer.verification.sets import admission_findings, use_sets
from indexer.verification.sums import WeightedSums, weigh
from ledger.errors import BlobFormatError
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.decode import BatchColumns, decode
from ledger.protocol.blob.faults import find_faults
from ledger.protocol.blob.layout import b_position
from ledger.protocol.blob.sets import SetTable, well_formed_sets
from ledger.protocol.units import POST_DEADLINE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from indexer.verification.batch import CommittedBatch
    from indexer.verification.rulebook import Rulebook
    from ledger.protocol.blob.records import Ints


@dataclass(frozen=True, slots=True)
class Contents:
    """What a batch that counts holds: receipts as columns, each with the version of its asset's terms."""

    columns: BatchColumns
    started_at: Ints
    asset_version: Ints
    sets: SetTable
    sums: WeightedSums


@dataclass(frozen=True, slots=True)
class Verdict:
    """Findings of a batch, and its contents unless one of them voids it."""

    findings: tuple[Finding, ...]
    contents: Contents | None


def judge(batch: CommittedBatch, blobs: Sequence[bytes], rules: Callable[[Sequence[int]], Rulebook]) -> Verdict:
    """The verdict on a batch whose blobs are known to match its versioned hashes.

    Args:
        batch: what the chain stated.
        blobs: 131,072 bytes each, in the batch's order.
        rules: the rulebook for these asset ids as of the batch's place.
    """
    try:
        columns = decode(blobs, batch.header.attribution_method, batch.header.attribution_params_hash)
    except BlobFormatError as error:
        return _void(Finding(found.UNREADABLE, voids=True, challenge=Challenge.ELEMENT, evidence=_unreadable(error)))
    broken = [*_commitment_findings(batch), *map(format_finding, find_faults(columns, batch.header, batch.charges))]
    sets = well_formed_sets(columns)
    if broken or sets is None:
        return _void(*broken)
    return _judge_contents(batch, columns, sets, rules)


def _judge_contents(
    batch: CommittedBatch, columns: BatchColumns, sets: SetTable, rules: Callable[[Sequence[int]], Rulebook]
) -> Verdict:
    rulebook = rules([*np.unique(columns.asset_id).tolist(), *np.unique(sets.asset_ids).tolist()])
    unknown = list(_asset_findings(columns, rulebook))
    if unknown:
        return _void(*unknown)
    started_at = columns.header.base_time + columns.time_offset
    seconds = np.clip(started_at, batch.first_committed_at - POST_DEADLINE_SECONDS, batch.first_committed_at)
    asset_version = _versions(columns, rulebook, seconds)
    use = use_sets(columns, rulebook, asset_version, sets)
    findings = (
        *price_findings(columns, rulebook, asset_version, seconds),
        *admission_findings(columns, use),
    )
    sums = weigh(columns, rulebook, asset_version, seconds, use)
    return Verdict(findings, Contents(columns, started_at, asset_version, sets, sums))


def _void(*findings: Finding) -> Verdict:
    return Verdict(findings, None)


def _unreadable(error: BlobFormatError) -> dict[str, object]:
    return {"detail": str(error), "field_elements": found.elements(0, 1)}


def _commitment_findings(batch: CommittedBatch) -> Iterator[Finding]:
    """The contract computes the batch_commitment; an event that says otherwise is not this contract's."""
    computed = batch_commitment(batch.header, batch.versioned_hashes, batch.charges)
    if computed != batch.batch_commitment:
        evidence = {"computed": computed.hex(), "stated": batch.batch_commitment.hex()}
        yield Finding(found.COMMITMENT_MISMATCH, voids=True, challenge=None, evidence=evidence)


def _asset_findings(columns: BatchColumns, rulebook: Rulebook) -> Iterator[Finding]:
    """Receipts that name no asset, or a dataset, as what served."""
    for asset_id, first, count in zip(*np.unique(columns.asset_id, return_index=True, return_counts=True), strict=True):
        history = rulebook.assets.get(int(asset_id))
        if history is not None and not history.is_dataset:
            continue
        evidence = {
            "asset_id": int(asset_id),
            "receipts": int(count),
            "field_elements": found.elements(b_position(int(first))),
        }
        rule = found.ASSET_UNKNOWN if history is None else found.ASSET_IS_DATASET
        yield Finding(rule, voids=True, challenge=Challenge.RECEIPT, evidence=evidence)


def _versions(columns: BatchColumns, rulebook: Rulebook, seconds: Ints) -> Ints:
    """The version of each receipt's asset that was in force at its terms time."""
    versions = np.ones(len(seconds), np.int64)
    for asset_id in np.unique(columns.asset_id).tolist():
        at = np.flatnonzero(columns.asset_id == asset_id)
        versions[at] = versions_at(rulebook.assets[asset_id], seconds[at])
    return versions
