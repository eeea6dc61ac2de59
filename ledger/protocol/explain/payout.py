"""The whole file redone: batches to sums, sums to sources, sources to the exact amount, that to the leaf and the root."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import BadSignatureError, ExplainError
from ledger.protocol.attribution import BY_TERMS
from ledger.protocol.distribution import Distribution, leaf_hash, verify_proof
from ledger.protocol.domain import Domain
from ledger.protocol.explain.batches import SumKey, check_batch
from ledger.protocol.explain.document import PayoutFile
from ledger.protocol.explain.refusal import parse, require
from ledger.protocol.explain.terms import TermsBook
from ledger.protocol.signature import recover
from ledger.protocol.units import ENTITLEMENT_ONE, PPM, SHARE_ONE

if TYPE_CHECKING:
    from ledger.protocol.explain.document import ChainPart, SourceLine

SourceKey = tuple[str, bytes, int, int, int, int]
"""(source, operator, asset id, its version, dataset id, its version)"""


@dataclass(frozen=True, slots=True)
class PayoutProof:
    """A file that holds, with what it rests on: compare the root, the attesters and the batches with the chain."""

    file: PayoutFile
    sampled_batches: tuple[int, ...]
    """Batches whose sums are the index's word: the file carries openings of them, not the blobs."""


def verify_payout(content: bytes) -> PayoutProof:
    """The proof that a payout file is, if every field of it holds.

    Raises:
        ExplainError: with the field that does not.
    """
    file = parse(PayoutFile, content)
    terms = TermsBook(file.terms, file.lists)
    _check_distribution(file)
    _check_payout(file)
    sampled, weighed = _check_batches(file, terms)
    _check_sources(file, terms, weighed)
    return PayoutProof(file, sampled)


def _check_distribution(file: PayoutFile) -> None:
    """That everyone listed signed this distribution: binds the root to the chain, its block and its data."""
    said = file.distribution
    digest = Distribution(
        root_index=said.root_index,
        root=said.root,
        total_cumulative_units=said.total_cumulative,
        through_l2_block=said.through_l2_block,
        through_l2_block_hash=said.through_l2_block_hash,
        data_hash=said.data_hash,
    ).digest(Domain(file.chain.l2_chain_id, file.chain.distributor))
    for n, attestation in enumerate(said.attestations):
        here = f"distribution.attestations[{n}].signature"
        try:
            signer = recover(digest, attestation.signature)
        except BadSignatureError as error:
            raise ExplainError(here, str(error)) from error
        require(signer == attestation.attester, here, "the attester did not sign this distribution")
    attesters = {attestation.attester for attestation in said.attestations}
    require(len(attesters) == len(said.attestations), "distribution.attestations", "one attester stands twice")


def _check_payout(file: PayoutFile) -> None:
    line, said = file.payout, file.distribution
    whole, rest = divmod(line.numerator, ENTITLEMENT_ONE)
    require(line.cumulative == whole, "payout.cumulative", f"the numerator's whole units are {whole}")
    require(line.remainder == rest, "payout.remainder", f"the numerator leaves {rest}")
    require(line.cumulative <= said.total_cumulative, "payout.cumulative", "it is above the root's total")
    leaf = leaf_hash(line.payee, file.chain.token, line.cumulative)
    require(verify_proof(said.root, leaf, line.proof), "payout.proof", "it does not lead from the leaf to the root")


def _check_batches(file: PayoutFile, terms: TermsBook) -> tuple[tuple[int, ...], dict[tuple[bytes, SumKey], int]]:
    """Batches whose sums are only sampled; and the sums of all, by operator."""
    weighed: defaultdict[tuple[bytes, SumKey], int] = defaultdict(int)
    sampled, seen = [], set()
    for n, batch in enumerate(file.batches):
        here = f"batches[{n}]"
        require(batch.batch_id not in seen, f"{here}.batchId", "it stands twice")
        seen.add(batch.batch_id)
        ended = batch.finalized_l2_block
        covered = ended is not None and ended <= file.distribution.through_l2_block
        require(covered, f"{here}.finalizedL2Block", "the distribution ends before it")
        if not check_batch(here, batch, terms):
            sampled.append(batch.batch_id)
        for line in batch.sums:
            key = (line.asset_id, line.asset_version, line.dataset_id, line.dataset_version)
            weighed[batch.header.operator, key] += line.weighted_fee
    return tuple(sampled), weighed


def _check_sources(file: PayoutFile, terms: TermsBook, weighed: dict[tuple[bytes, SumKey], int]) -> None:
    """That the sources are all that the sums give the payee, and add up to its exact amount."""
    owed: dict[SourceKey, tuple[int, int]] = {}
    for (operator, key), fee in weighed.items():
        for source, coefficient in coefficients(file.payout.payee, operator, key, file.chain, terms).items():
            owed[source, operator, *key] = (fee, coefficient)
    for n, line in enumerate(file.sources):
        _check_source(f"sources[{n}]", line, owed)
    require(not owed, "sources", "the batches give more of them")
    total = sum(line.numerator for line in file.sources)
    require(total == file.payout.numerator, "payout.numerator", f"the sources add up to {total}")


def _check_source(path: str, line: SourceLine, owed: dict[SourceKey, tuple[int, int]]) -> None:
    ids = (line.asset_id, line.asset_version, line.dataset_id, line.dataset_version)
    found = owed.pop((line.source, line.operator, *ids), None)
    if found is None:
        raise ExplainError(path, "no batch of the file gives the payee anything by this source")
    fee, coefficient = found
    require(line.weighted_fee == fee, f"{path}.weightedFee", f"the batches give {fee}")
    require(line.coefficient == coefficient, f"{path}.coefficient", f"the terms give {coefficient}")
    require(line.numerator == fee * coefficient, f"{path}.numerator", "it is not weightedFee x coefficient")


def coefficients(payee: bytes, operator: bytes, key: SumKey, chain: ChainPart, terms: TermsBook) -> dict[str, int]:
    """What one unit of weighted fee gives a payee, over 10^30, by source; those of zero are left out."""
    asset_id, version, dataset_id, dataset_version = key
    asset = terms.of(asset_id, version)
    whole, data_ppm = PPM * SHARE_ONE, 0 if dataset_id == BY_TERMS else asset.data_ppm
    found = {
        "protocol": chain.protocol_ppm * whole if payee == chain.protocol_payee else 0,
        "operator": (PPM - chain.protocol_ppm - asset.royalty_ppm) * whole if payee == operator else 0,
        "royalty": asset.royalty_ppm * (PPM - data_ppm) * terms.share(asset_id, version, payee),
    }
    if data_ppm:
        found["data"] = asset.royalty_ppm * data_ppm * terms.share(dataset_id, dataset_version, payee)
    return {source: coefficient for source, coefficient in found.items() if coefficient}
