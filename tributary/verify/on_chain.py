"""What a file rests on, compared with an L2 node: the root and its attesters, the batches, the terms, the lane's key."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ledger.chain.batch_events import batch_events, fillings, is_final
from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.events.receipt_ledger import BatchVoided
from ledger.chain.rpc import RpcClient
from ledger.chain.structs import AttributionMode
from ledger.errors import ContractRevertedError, ExplainError
from ledger.protocol.explain.refusal import require
from ledger.protocol.hexadecimal import checksum_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.protocol.explain.document import BatchPart, ChainPart, ListPart, PayoutFile, TermsPart
    from ledger.protocol.explain.payout import PayoutProof
    from ledger.protocol.explain.receipt import ReceiptProof

_PATIENCE_SECONDS = 10.0


def check_payout_on_chain(proof: PayoutProof, rpc_url: str) -> Iterator[str]:
    """A line for each thing that the chain confirms.

    Raises:
        ExplainError: the chain says otherwise; with the field.
    """
    file = proof.file
    with closing(_l2(rpc_url, file.chain)) as rpc:
        yield _check_root(file, RoyaltyDistributor(rpc, file.chain.distributor))
        registry = AttributionRegistry(rpc, file.chain.registry)
        for n, part in enumerate(file.terms):
            _check_terms(f"terms[{n}]", part, registry)
        yield f"chain: all {len(file.terms)} versions of terms are the registry's"
        for n, listed in enumerate(file.lists):
            _check_list(f"lists[{n}]", listed, registry)
        for n, batch in enumerate(file.batches):
            _check_batch(f"batches[{n}]", batch, file.chain, rpc)
        yield f"chain: all {len(file.batches)} batches are committed as the file says, and final"


def check_receipt_on_chain(proof: ReceiptProof, rpc_url: str) -> Iterator[str]:
    """A line for each thing that the chain confirms.

    Raises:
        ExplainError: the chain says otherwise; with the field.
    """
    file = proof.file
    with closing(_l2(rpc_url, file.chain)) as rpc:
        state = _check_batch("batch", file.batch, file.chain, rpc, final=False)
    yield f"chain: batch {file.batch.batch_id} is committed as the file says, and {state}"


def _l2(rpc_url: str, chain: ChainPart) -> RpcClient:
    return RpcClient([rpc_url], chain.l2_chain_id, name="L2", patience_seconds=_PATIENCE_SECONDS)


def _check_root(file: PayoutFile, distributor: RoyaltyDistributor) -> str:
    said = file.distribution
    try:
        root = distributor.root(said.root_index, "latest")
    except ContractRevertedError as error:
        raise ExplainError("distribution.rootIndex", "the distributor has no such root") from error
    require(root.root == said.root, "distribution.root", "the distributor has another under this index")
    require(not root.disabled, "distribution.root", "an attester disabled it")
    total = root.total_cumulative_units == said.total_cumulative
    require(total, "distribution.totalCumulative", "the distributor has another")
    signers = [line.attester for line in said.attestations if distributor.is_attester(line.attester, "latest")]
    paid = distributor.claimed(file.payout.payee, "latest")
    return (
        f"chain: root {said.root_index} stands, {len(signers)} of its {len(said.attestations)} signers are attesters "
        f"today, {checksum_address(file.payout.payee)} was paid {paid} units so far"
    )


def _check_terms(path: str, part: TermsPart, registry: AttributionRegistry) -> None:
    try:
        terms = registry.terms(part.asset_id, part.version, "latest")
    except ContractRevertedError as error:
        raise ExplainError(f"{path}.version", "the registry has no such version") from error
    said = (part.royalty_ppm, part.data_ppm, part.mode == "operator", tuple(part.datasets))
    by_operator = terms.mode == AttributionMode.OPERATOR
    found = (terms.royalty_ppm, terms.data_ppm, by_operator, tuple(terms.datasets))
    require(said == found, path, "the registry's terms are others")
    effective_at = registry.terms_effective_at(part.asset_id, part.version, "latest")
    require(effective_at == part.effective_at, f"{path}.effectiveAt", f"the registry says {effective_at}")
    shares = [(s.payee, s.share) for s in registry.effective_shares(part.asset_id, part.version, "latest")]
    listed = [(line.payee, line.share) for line in part.effective_shares]
    require(shares == listed, f"{path}.effectiveShares", "the registry's are others")


def _check_list(path: str, part: ListPart, registry: AttributionRegistry) -> None:
    """That the registry has this list, complete; the file was held against the root before."""
    try:
        listed = registry.contributor_list(part.list_id, "latest")
    except ContractRevertedError as error:
        raise ExplainError(f"{path}.listId", "the registry has no such list") from error
    require(listed.complete, path, "the registry has not all of its rows")
    require(listed.root == part.root, f"{path}.root", "the registry has another")
    require(listed.count == len(part.rows), f"{path}.rows", f"the registry has {listed.count}")


def _check_batch(path: str, batch: BatchPart, chain: ChainPart, rpc: RpcClient, *, final: bool = True) -> str:
    """How the batch stands, from the ledger's own events."""
    events = batch_events(rpc, chain.ledger, batch.batch_id)
    filled = fillings(events)
    require(bool(filled), f"{path}.batchId", "the ledger has no such batch")
    require(batch.fill < len(filled), f"{path}.fill", "the ledger has no such filling")
    commitment = filled[batch.fill].batch_commitment
    require(commitment == batch.batch_commitment, f"{path}.batchCommitment", "the ledger has another")
    first = filled[0].committed_at
    require(first == batch.first_committed_at, f"{path}.firstCommittedAt", f"the ledger says {first}")
    voided = sum(isinstance(event, BatchVoided) for event in events)
    require(voided <= batch.fill, f"{path}.fill", "it was voided")
    paid = is_final(events)
    require(paid or not final, path, "the ledger has not finalised it")
    return "final" if paid else "still open to challenge"
