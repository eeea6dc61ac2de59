"""A story on real chains that touches every money rule, told by hand: what the audit has to agree with.

Nested terms in two versions, prices that change, attribution sets, a payer who runs dry, two lanes, two roots with
claims, withdrawals, a stray transfer, and a batch that is still open at the end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ledger.chain.blocks import BlockRef, block_at
from ledger.chain.structs import BatchRecord, Claim, Kind, Parent, Share, Terms
from ledger.protocol.attribution import AttributionSet, SetEntry, attribution_hash
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.distribution import Distribution, DistributionTree, Payout
from ledger.protocol.entitlement import (
    EffectiveShare,
    ProtocolShare,
    RoyaltyTerms,
    WeightedFee,
    floor_units,
    numerators,
    weights,
)
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, sign
from ledger.protocol.units import fee_up
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import DAY, PROTOCOL_PPM, OperatorFlow, key_of

ALICE, BOB, CAROL, BASE_OWNER, ADAPTER_OWNER = (
    address_of(key_of(name)) for name in ("alice", "bob", "carol", "base owner", "adapter owner")
)
RICH, POOR, THIRD = "rich payer", "poor payer", "third payer"
BY_OPERATOR = 1
Price = tuple[int, int]


@dataclass
class Posted:
    """A batch on the chains, with what settlement must make of it."""

    batch_id: int
    record: BatchRecord
    encoded: EncodedBatch
    version: int
    """Version of the adapter's terms that its receipts fall under."""


@dataclass
class Story:
    """Where the story stands."""

    flow: OperatorFlow
    base: int = 0
    adapter: int = 0
    datasets: tuple[int, ...] = ()
    price: Price = (1_000, 2_000)
    posted: list[Posted] = field(default_factory=list)
    finalized: list[Posted] = field(default_factory=list)
    claimed: dict[bytes, int] = field(default_factory=dict)

    # -- assets ---------------------------------------------------------------------------------------------------

    def register_assets(self) -> None:
        """Two datasets, a base model, and an adapter that descends from the model and one dataset."""
        plain = Terms(0, 0, 0, 0, 0, 0, (Share(ALICE, 333_333), Share(BOB, 666_667)), (), ())
        one = self.flow.register(b"dataset one", plain, Kind.DATASET)
        two = self.flow.register(
            b"dataset two", Terms(0, 0, 0, 0, 0, 0, (Share(CAROL, 1_000_000),), (), ()), Kind.DATASET
        )
        model = Terms(150_000, 0, 50_000, 0, 0, 0, (Share(BASE_OWNER, 1_000_000),), (), ())
        self.base = self.flow.register(b"base model", model)
        self.datasets = (one, two)
        self.adapter = self.flow.register(b"adapter", self.adapter_terms(200_000), Kind.ADAPTER)

    def adapter_terms(self, royalty_ppm: int) -> Terms:
        one, _ = self.datasets
        split = (Share(ADAPTER_OWNER, 900_001), Share(ALICE, 99_999))
        parents = (Parent(one, 77_777), Parent(self.base, 123_457))
        return Terms(
            royalty_ppm,
            333_333,
            0,
            100,
            100,
            BY_OPERATOR,
            split,
            tuple(sorted(parents, key=lambda p: p.asset_id)),
            self.datasets,
        )

    # -- money in -------------------------------------------------------------------------------------------------

    def fund(self) -> None:
        """Bond, prices, keys, deposits and caps."""
        flow, me = self.flow, self.flow.operator.address
        for asset_id in (self.base, self.adapter):
            flow.send(flow.operators.set_price(asset_id, *self.price))
        for lane in (0, 1):
            flow.send(flow.operators.add_key(lane, address_of(flow.lane_key)))
        flow.fund(me, flow.operators.address, 2_000_000_000, flow.operator)
        flow.send(flow.operators.deposit_bond(me, 2_000_000_000))
        flow.fund(me, flow.escrow.address, 50_000_000, flow.operator)
        flow.send(flow.escrow.deposit(me, me, 50_000_000))
        for name, units in ((RICH, 90_000_000), (POOR, 1_500), (THIRD, 8_000_000)):
            payer = flow.sender(name)
            flow.fund(payer.address, flow.escrow.address, units, payer)
            flow.send(flow.escrow.deposit(payer.address, me, units), payer)
            flow.authorize(key_of(name), 80_000_000, days=60)
        flow.devnet.advance(600)  # receipts start a minute ago, when the prices must be in force already

    # -- batches --------------------------------------------------------------------------------------------------

    def receipts(self, uses: Iterable[tuple[str, int, int, int, AttributionSet]], lane: int) -> list[BatchEntry]:
        """Entries for (payer, asset, input units, output units, set), seq from the lane's next."""
        flow = self.flow
        first = flow.ledger.next_seq(flow.operator.address, lane, "latest")
        entries = []
        for n, (payer, asset_id, inputs, outputs, attribution) in enumerate(uses):
            receipt = Receipt(
                operator=flow.operator.address, lane=lane, seq=first + n, payer=address_of(key_of(payer)),
                asset_id=asset_id, request_hash=keccak256(b"request", bytes([n])),
                response_hash=keccak256(b"response", bytes([n])), input_units=inputs, output_units=outputs,
                fee_units=fee_up(inputs, outputs, *self.price), attribution_hash=attribution_hash(attribution),
                started_at=flow.devnet.now() - 60 + n, duration_ms=900,
            )  # fmt: skip
            entries.append(BatchEntry(receipt, receipt.digest(flow.deployment.receipt_domain), attribution))
        return entries

    def uses(self, count: int, seed: int = 0) -> list[tuple[str, int, int, int, AttributionSet]]:
        """A mix of payers, assets and sets."""
        one, two = self.datasets
        sets: Sequence[AttributionSet] = (
            (), (SetEntry(0, 1), SetEntry(one, 999_999)), (SetEntry(one, 250_001), SetEntry(two, 749_999)),
            (SetEntry(two, 1_000_000),),
        )  # fmt: skip
        return [
            (
                (RICH, POOR, THIRD, RICH)[(n + seed) % 4], self.adapter if n % 5 else self.base,
                37 * n + 11 + seed, 101 * n + 7, sets[(n + seed) % 4] if n % 5 else (),
            )
            for n in range(count)
        ]  # fmt: skip

    def post(
        self, entries: Sequence[BatchEntry], version: int, encoder: Callable[..., EncodedBatch] = encode
    ) -> Posted:
        """Blobs to L1, commitment to L2."""
        encoded = encoder(entries, keccak256(b"attr/1"), keccak256(b"parameters"))
        hashes, _ = self.flow.post(encoded)
        batch_id, record, _ = self.flow.commit(encoded, hashes)
        self.posted.append(Posted(batch_id, record, encoded, version))
        return self.posted[-1]

    def finalize(self, posted: Posted) -> None:
        """Wait out the challenge window and finalise."""
        earliest = posted.record.committed_at + 7 * DAY + 1
        if self.flow.devnet.now() < earliest:
            self.flow.devnet.advance(earliest - self.flow.devnet.now())
        self.flow.send(self.flow.ledger.finalize_batch(posted.batch_id, posted.record))
        self.finalized.append(posted)

    # -- money out ------------------------------------------------------------------------------------------------

    def payouts(self) -> list[Payout]:
        """What the protocol's own arithmetic owes for the finalised batches."""
        flow, rules = self.flow, {}
        for asset_id in (self.base, self.adapter, *self.datasets):
            for version in range(1, flow.registry.asset(asset_id, "latest").version_count + 1):
                terms = flow.registry.terms(asset_id, version, "latest")
                shares = flow.registry.effective_shares(asset_id, version, "latest")
                rules[asset_id, version] = RoyaltyTerms(
                    terms.royalty_ppm, terms.data_ppm, terms.mode == BY_OPERATOR, frozenset(terms.datasets),
                    tuple(EffectiveShare(s.payee, s.share) for s in shares),
                )  # fmt: skip
        sums = []
        for posted in self.finalized:
            for entry in posted.encoded.entries:
                receipt = entry.receipt
                version = posted.version if receipt.asset_id == self.adapter else 1
                for dataset_id, dataset_version, ppm in weights(
                    rules[receipt.asset_id, version], entry.attribution, lambda _: 1
                ):
                    sums.append(
                        WeightedFee(
                            receipt.operator, receipt.asset_id, version, dataset_id, dataset_version,
                            receipt.fee_units * ppm,
                        )
                    )  # fmt: skip
        owed = numerators(sums, rules, ProtocolShare(address_of(key_of("protocol")), PROTOCOL_PPM))
        return [Payout(payee, floor_units(n)) for payee, n in owed.items() if floor_units(n)]

    def submit_root(self, payouts: Sequence[Payout]) -> tuple[int, DistributionTree]:
        """A root over these payouts with its quorum, made active; its index and tree."""
        flow = self.flow
        tree = DistributionTree(payouts, flow.token.address)
        index = flow.distributor.next_root_index("latest")
        head = block_at(flow.l2, "latest")
        distribution = Distribution(index, tree.root, tree.total_units, head.number, head.hash, keccak256(b"file"))
        digest = distribution.digest(flow.deployment.distribution_domain)
        flow.send(flow.distributor.submit_root(distribution, [sign(digest, key) for key in ATTESTERS[:2]]))
        flow.devnet.advance(DAY + 1)
        return index, tree

    def claim(self, index: int, tree: DistributionTree, payees: Iterable[bytes]) -> None:
        """Push these payees' claims."""
        amounts = dict(tree.payouts)
        claims = [Claim(payee, amounts[payee], tuple(tree.proof(payee))) for payee in payees]
        self.flow.send(self.flow.distributor.claim_many(index, claims))
        self.claimed |= {claim.payee: claim.cumulative_units for claim in claims}

    def head(self) -> BlockRef:
        return block_at(self.flow.l2, "latest")


def tell(flow: OperatorFlow) -> Story:
    """The whole honest story; at its end every block of it is final."""
    story = Story(flow)
    story.register_assets()
    story.fund()
    first = story.post(story.receipts(story.uses(23), lane=0), version=1)
    flow.send(flow.registry.propose_terms(story.adapter, story.adapter_terms(310_000)))
    story.finalize(first)  # a week later the second version is in force
    index, tree = story.submit_root(story.payouts())
    story.claim(index, tree, (ALICE, BASE_OWNER, flow.operator.address))

    second = story.post(story.receipts(story.uses(17, seed=3), lane=1), version=2)
    _side_doors(story)
    story.finalize(second)
    index, tree = story.submit_root(story.payouts())
    story.claim(index, tree, (ALICE, CAROL))
    story.post(story.receipts(story.uses(5, seed=9), lane=0), version=2)
    flow.devnet.finalize()
    return story


def _side_doors(story: Story) -> None:
    """Money that moves beside batches: a debt collected, withdrawals, tokens sent by mistake."""
    flow, me = story.flow, story.flow.operator.address
    poor, rich = flow.sender(POOR), flow.sender(RICH)
    flow.fund(poor.address, flow.escrow.address, 900, poor)
    flow.send(flow.escrow.deposit(poor.address, me, 900), poor)
    flow.send(flow.escrow.collect_debt(poor.address, me), poor)
    flow.send(flow.escrow.thaw(me, 1_000_000), rich)
    flow.send(flow.operators.request_withdrawal(5_000_000))
    flow.send(flow.token.mint(flow.escrow.address, 777))
    flow.send(flow.token.mint(flow.ledger.address, 3))
    flow.devnet.advance(12 * DAY)
    flow.send(flow.escrow.withdraw(me), rich)
    flow.send(flow.operators.withdraw_bond())
