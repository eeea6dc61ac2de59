"""Reads from the L2, all at a named block. Blocking: called from a thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.chain.blocks import BlockRef, Heads, heads
from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.contracts.operators import Operators
from ledger.chain.contracts.payment_escrow import PaymentEscrow
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.deployment import Deployment
from ledger.chain.rpc import RpcClient
from ledger.chain.structs import Account, Asset, AttributionMode, Parent, Price
from ledger.errors import ContractRevertedError
from ledger.protocol.attribution.prior import NO_PRIOR, Prior, PriorFile
from ledger.protocol.units import NOTICE_SECONDS
from serving.onchain.schedule import Change, Schedule, read_schedule

_NO_ACCOUNT = Account(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PublishedPrice:
    """Base units per 1000 input and output units."""

    input_units: int
    output_units: int


@dataclass(frozen=True, slots=True)
class Rules:
    """Part of an asset's terms that serving obeys."""

    version: int
    floor: PublishedPrice
    mode: AttributionMode
    royalty_ppm: int
    parents: tuple[Parent, ...]
    datasets: tuple[int, ...] = ()
    lineage: frozenset[int] = frozenset()
    """Parents, their parents and so on: what the asset pays by its terms' weights."""


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """A registered asset with the price and the rules that are known ahead."""

    asset_id: int
    asset: Asset
    registered_at: int
    prices: Schedule[PublishedPrice]
    rules: Schedule[Rules]
    prior: Prior = NO_PRIOR


class ChainReader:
    """The contracts, from one operator's point of view."""

    def __init__(self, rpc: RpcClient, deployment: Deployment, operator: bytes) -> None:
        self.rpc = rpc
        self.deployment = deployment
        self.operator = operator
        self._distributor = RoyaltyDistributor(rpc, deployment.l2.distributor)
        self._stood_at: int | None = None
        self._known_ids: dict[bytes, int] = {}
        self._parents_of: dict[tuple[int, int], tuple[Parent, ...]] = {}
        self._registry = AttributionRegistry(rpc, deployment.l2.registry)
        self._operators = Operators(rpc, deployment.l2.operators)
        self._escrow = PaymentEscrow(rpc, deployment.l2.escrow)
        self._ledger = ReceiptLedger(rpc, deployment.l2.ledger)

    def heads(self) -> Heads:
        return heads(self.rpc)

    def asset_facts(
        self, content_hash: bytes, at: BlockRef, now: int, prior: PriorFile | None = None
    ) -> AssetFacts | None:
        """The asset registered for this content, its committed prior with the datasets' assetIds; or None."""
        asset_id = self._registry.asset_id_of(content_hash, at)
        if asset_id == 0:
            return None
        horizon = NOTICE_SECONDS + 60
        return AssetFacts(
            asset_id=asset_id,
            asset=self._registry.asset(asset_id, at),
            registered_at=self._registry.terms_effective_at(asset_id, 1, at),
            prices=read_schedule(lambda time: self._price(asset_id, time, at), now, horizon),
            rules=read_schedule(lambda time: self._rules(asset_id, time, at), now, horizon),
            prior=NO_PRIOR if prior is None else prior.prior(self._asset_ids(prior.datasets, at)),
        )

    def not_registered(self, datasets: Mapping[int, bytes]) -> list[int]:
        """Those of these assetIds under which the registry has another content, or none, at its newest block."""
        at = self.heads().latest
        return [
            asset_id
            for asset_id, content_hash in sorted(datasets.items())
            if self._registry.asset_id_of(content_hash, at) != asset_id
        ]

    def is_attester(self, account: bytes) -> bool:
        """Whether the account signs distributions on this deployment, at the newest block."""
        return self._distributor.is_attester(account, self.heads().latest)

    def lane_key_is_active(self, lane: int, key: bytes, at: BlockRef) -> bool:
        return self._operators.key_active_in(self.operator, lane, key, at.timestamp, at.timestamp, at)

    def next_seqs(self, lanes: Sequence[int], at: BlockRef) -> dict[int, int]:
        """For each lane, the seq that its next batch starts at: receipts below it are charged."""
        if not self._stand(at):
            return dict.fromkeys(lanes, 0)
        return {lane: self._ledger.next_seq(self.operator, lane, at) for lane in lanes}

    def accounts(self, payers: Sequence[bytes], at: BlockRef) -> dict[bytes, Account]:
        """The payers' accounts with this operator."""
        if not payers or not self._stand(at):
            return dict.fromkeys(payers, _NO_ACCOUNT)
        return dict(zip(payers, self._escrow.accounts(payers, self.operator, at), strict=True))

    def is_session_key(self, payer: bytes, key: bytes, time: int, at: BlockRef) -> bool:
        """Whether the key may sign the payer's authorizations at `time`, as far as is known in this block."""
        return self._stand(at) and self._escrow.is_session_key(payer, key, time, at)

    def _stand(self, at: BlockRef) -> bool:
        """Whether the contracts stand already: a young deployment is not yet in the safe block."""
        if self._stood_at is None or at.number < self._stood_at:
            try:
                self._ledger.batch_count(at)
                self._escrow.account(self.operator, self.operator, at)
            except ContractRevertedError:
                return False
            self._stood_at = at.number
        return True

    def _price(self, asset_id: int, time: int, at: BlockRef) -> Change[PublishedPrice]:
        price: Price = self._operators.price_at(self.operator, asset_id, time, at)
        return Change(price.effective_at, PublishedPrice(price.input_price_units, price.output_price_units))

    def _rules(self, asset_id: int, time: int, at: BlockRef) -> Change[Rules]:
        version = self._registry.terms_version_at(asset_id, time, at)
        terms = self._registry.terms(asset_id, version, at)
        floor = PublishedPrice(terms.floor_input_price_units, terms.floor_output_price_units)
        rules = Rules(version, floor, AttributionMode(terms.mode), terms.royalty_ppm, terms.parents, terms.datasets)
        rules = replace(rules, lineage=self._lineage(terms.parents, time, at))
        return Change(self._effective_at(asset_id, version, at), rules)

    def _lineage(self, parents: Sequence[Parent], time: int, at: BlockRef) -> frozenset[int]:
        """Every ancestor; the registry bounds depth and breadth."""
        found = frozenset(parent.asset_id for parent in parents)
        for asset_id in found:
            found |= self._lineage(self._parents(asset_id, time, at), time, at)
        return found

    def _parents(self, asset_id: int, time: int, at: BlockRef) -> tuple[Parent, ...]:
        version = self._registry.terms_version_at(asset_id, time, at)
        known = self._parents_of.get((asset_id, version))
        if known is None:
            known = self._parents_of[asset_id, version] = self._registry.terms(asset_id, version, at).parents
        return known

    def _asset_ids(self, content_hashes: Sequence[bytes], at: BlockRef) -> dict[bytes, int]:
        """The assets of these contents, as far as they are registered; what was found once is not asked again."""
        for content_hash in content_hashes:
            if not self._known_ids.get(content_hash):
                self._known_ids[content_hash] = self._registry.asset_id_of(content_hash, at)
        return {content_hash: self._known_ids[content_hash] for content_hash in content_hashes}

    def _effective_at(self, asset_id: int, version: int, at: BlockRef) -> int:
        return 0 if version == 1 else self._registry.terms_effective_at(asset_id, version, at)
