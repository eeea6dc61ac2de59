"""The logs of a finalised stretch of the L2, interpreted as `Facts`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from indexer.verification.batch import CommittedBatch, Place
from ledger.chain.blocks import block_at
from ledger.chain.events import attribution_registry, operators, receipt_ledger
from ledger.chain.logs import LogDecoder, log_call, parse_logs
from ledger.chain.structs import AttributionMode, Kind
from ledger.errors import BlockNotFoundError, MalformedLogError, NotYetFinalError, RpcRejectedError
from ledger.protocol.entitlement import EffectiveShare, ProtocolShare, RoyaltyTerms
from ledger.protocol.judging.rulebook import PricePoint, TermsVersion
from settlement.scope import ThroughBlock
from tributary.entitlements.facts import Facts, Registry
from tributary.entitlements.list_reading import ListReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ledger.chain.blocks import BlockRef
    from ledger.chain.deployment import Deployment
    from ledger.chain.logs import Log, RawLog
    from ledger.chain.rpc import RpcClient

BLOCKS_A_CALL = 5_000


def finalized_block(rpc: RpcClient, number: int | None) -> BlockRef:
    """The newest finalised block, or an older one by its number.

    Raises:
        NotYetFinalError: the chain has not finalised that number.
    """
    newest = block_at(rpc, "finalized")
    if number is None:
        return newest
    if number > newest.number:
        raise NotYetFinalError(f"L2 block {number} is not final yet; the newest final block is {newest.number}.")
    return block_at(rpc, number)


def read_facts(rpc: RpcClient, deployment: Deployment, through: BlockRef, report: Callable[[int, int], None]) -> Facts:
    """What the deployment's logs up to a finalised block say.

    Args:
        rpc: the L2.
        deployment: its contracts.
        through: the last block.
        report: told how many blocks are read, and how many there are.

    Raises:
        MalformedLogError: a contract logged what this version does not know.
        BlockNotFoundError: the node has lost the block meanwhile.
    """
    l2 = deployment.l2
    decoder = LogDecoder({l2.registry: "AttributionRegistry", l2.operators: "Operators", l2.ledger: "ReceiptLedger"})
    reader = LogReader(l2.chain_id)
    for first in range(l2.deployed_at_block, through.number + 1, BLOCKS_A_CALL):
        last = min(first + BLOCKS_A_CALL - 1, through.number)
        reader.take(decoder.decode_known(_logs(rpc, first, last, decoder.addresses)))
        report(last - l2.deployed_at_block + 1, through.number - l2.deployed_at_block + 1)
    if block_at(rpc, through.number) != through:
        raise BlockNotFoundError(f"L2 block {through.number} was replaced though it was final; ask another node.")
    protocol = ProtocolShare(deployment.protocol_payee, deployment.protocol_ppm)
    return reader.facts(ThroughBlock(through.number, through.hash), protocol)


def _logs(rpc: RpcClient, first: int, last: int, addresses: Sequence[bytes]) -> list[RawLog]:
    """Logs of whole blocks, in chain order; a range that the node finds too long is halved.

    The last block's header is asked for in the same request: a node that has not got the range answers it with no
    logs at all, and would do so silently.
    """
    try:
        logs, header = rpc.batch([log_call(first, last, addresses), ("eth_getBlockByNumber", (hex(last), False))])
    except RpcRejectedError:
        if first >= last:
            raise
        middle = (first + last) // 2
        return [*_logs(rpc, first, middle, addresses), *_logs(rpc, middle + 1, last, addresses)]
    if header is None:
        raise BlockNotFoundError(f"The L2 node has not got block {last}.")
    return sorted(parse_logs(logs), key=lambda log: (log.block_number, log.log_index))


class LogReader:
    """Goes through a deployment's logs in chain order."""

    def __init__(self, chain_id: int) -> None:
        """Nothing is read yet."""
        self._registry = Registry()
        self._finalized: list[CommittedBatch] = []
        self._chain_id = chain_id
        self._newest: dict[int, CommittedBatch] = {}
        self._lists = ListReader()

    def facts(self, through: ThroughBlock, protocol: ProtocolShare) -> Facts:
        """What the logs taken in so far say; they end at `through`."""
        rules, royalties = self._registry.rules(), self._registry.royalties
        return Facts(through, protocol, rules, royalties, tuple(self._finalized), self._lists.complete)

    def take(self, logs: Iterable[Log]) -> None:
        """Take in logs that follow on those before.

        Raises:
            MalformedLogError: one of them can not follow on those before.
        """
        for log in logs:
            match log.event:
                case attribution_registry.AssetRegistered() as event:
                    if event.kind == Kind.DATASET:
                        self._registry.datasets.add(event.asset_id)
                case attribution_registry.TermsRegistered() as event:
                    self._terms(log, event)
                case operators.PricePublished() as event:
                    price = PricePoint(event.effective_at, event.input_price_units, event.output_price_units)
                    prices = self._registry.prices.setdefault((event.operator, event.asset_id), [])
                    prices.append((log.block_number, price))
                case receipt_ledger.BatchCommitted() as event:
                    self._newest[event.batch_id] = self._filling(log, 0, event.committed_at)
                case receipt_ledger.BatchRefilled() as event:
                    before = self._known(event.batch_id)
                    self._newest[event.batch_id] = self._filling(log, before.fill + 1, before.first_committed_at)
                case receipt_ledger.BatchFinalized() as event:
                    self._finalized.append(self._known(event.batch_id))
                    del self._newest[event.batch_id]
                case event:
                    self._lists.take(event)  # all others say nothing of what anybody is owed

    def _terms(self, log: Log, event: attribution_registry.TermsRegistered) -> None:
        terms = event.terms
        if terms.mode not in (AttributionMode.FIXED, AttributionMode.OPERATOR):
            raise MalformedLogError(f"There is no attribution mode {terms.mode}.")
        by_attribution, datasets = terms.mode == AttributionMode.OPERATOR, frozenset(terms.datasets)
        version = TermsVersion(
            event.effective_at,
            terms.floor_input_price_units,
            terms.floor_output_price_units,
            by_attribution,
            datasets,
        )
        shares = tuple(EffectiveShare(e.payee, e.share) for e in event.effective_shares)
        royalty = RoyaltyTerms(terms.royalty_ppm, terms.data_ppm, by_attribution, datasets, shares)
        at = (log.block_number, log.log_index)
        self._registry.add_terms(at, (event.asset_id, event.version), version, royalty)

    def _known(self, batch_id: int) -> CommittedBatch:
        try:
            return self._newest[batch_id]
        except KeyError:
            raise MalformedLogError(f"Batch {batch_id} has no commit that its later logs could be about.") from None

    def _filling(self, log: Log, fill: int, first_committed_at: int) -> CommittedBatch:
        event: Any = log.event
        return CommittedBatch(
            batch_id=event.batch_id,
            fill=fill,
            place=Place(self._chain_id, log.block_number, log.block_hash, log.log_index),
            header=event.header,
            charges=event.charges,
            versioned_hashes=event.versioned_hashes,
            batch_commitment=event.batch_commitment,
            terms_from=event.terms_from,
            first_committed_at=first_committed_at,
        )
