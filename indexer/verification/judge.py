"""A batch's blobs held against its commit and the rules in force: the verdict, and the rows if it is good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from indexer.verification import findings as found
from indexer.verification.contents import admission_findings, asset_findings, price_findings, start_findings
from indexer.verification.findings import Finding, proven
from indexer.verification.sums import WeightedSums, weigh
from ledger.errors import BlobFormatError
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.decode import BatchColumns, decode
from ledger.protocol.blob.faults import find_faults
from ledger.protocol.blob.sets import SetTable, well_formed_sets
from ledger.protocol.judging.format import format_proof, header_proof
from ledger.protocol.judging.rulebook import TermsWindow, asset_versions, terms_seconds
from ledger.protocol.judging.sets import use_sets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from indexer.verification.batch import CommittedBatch
    from ledger.protocol.blob.records import Ints
    from ledger.protocol.judging.rulebook import Rulebook


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
        return _void(_unreadable(batch, blobs, error))
    broken = [*_commitment_findings(batch), *_format_findings(batch, columns)]
    sets = well_formed_sets(columns)
    if broken or sets is None:
        return _void(*broken)
    return _judge_contents(batch, columns, sets, rules)


def _judge_contents(
    batch: CommittedBatch, columns: BatchColumns, sets: SetTable, rules: Callable[[Sequence[int]], Rulebook]
) -> Verdict:
    rulebook = rules([*np.unique(columns.asset_id).tolist(), *np.unique(sets.asset_ids).tolist()])
    unknown = list(asset_findings(columns, rulebook))
    if unknown:
        return _void(*unknown)
    started_at = columns.header.base_time + columns.time_offset
    window = TermsWindow(batch.terms_from, batch.first_committed_at)
    seconds = terms_seconds(columns, window)
    asset_version = asset_versions(columns, rulebook, seconds)
    use = use_sets(columns, rulebook, asset_version, sets)
    findings = (
        *start_findings(columns, window),
        *price_findings(columns, rulebook, asset_version, seconds),
        *admission_findings(columns, use),
    )
    sums = weigh(columns, rulebook, asset_version, seconds, use)
    return Verdict(findings, Contents(columns, started_at, asset_version, sets, sums))


def _void(*findings: Finding) -> Verdict:
    return Verdict(findings, None)


def _unreadable(batch: CommittedBatch, blobs: Sequence[bytes], error: BlobFormatError) -> Finding:
    """Bytes of another form: proven by the header element that is not the committed one."""
    proof = header_proof(blobs, batch.header)
    if proof is None:
        return Finding(found.UNREADABLE, voids=True, challenge=None, evidence={"detail": str(error)})
    return replace(proven(proof, voids=True, detail=str(error)), rule=found.UNREADABLE)


def _format_findings(batch: CommittedBatch, columns: BatchColumns) -> Iterator[Finding]:
    for fault in find_faults(columns, batch.header, batch.charges):
        yield proven(format_proof(fault, columns), voids=True, detail=fault.detail)


def _commitment_findings(batch: CommittedBatch) -> Iterator[Finding]:
    """The contract computes the batch_commitment; an event that says otherwise is not this contract's."""
    computed = batch_commitment(batch.header, batch.versioned_hashes, batch.charges)
    if computed != batch.batch_commitment:
        evidence = {"computed": computed.hex(), "stated": batch.batch_commitment.hex()}
        yield Finding(found.COMMITMENT_MISMATCH, voids=True, challenge=None, evidence=evidence)
