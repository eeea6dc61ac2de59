"""A ledger with a whole history: datasets, a model and an adapter, payers, batches, one distribution paid.

Contracts, blobs, index, attesters and settlement are the real ones. Two batches are finalised and paid; a third is
still open. `exact` walks the receipts one by one in fractions, for tests to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from pydantic import SecretStr

from ledger.chain.structs import AttributionMode, BatchRecord, Kind, Parent, Share, Terms
from ledger.chain.tx_receipt import TxReceipt
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.contributors import Contributor, contributors_root, list_payee, row_of
from ledger.protocol.entitlement import EffectiveShare, flatten
from ledger.protocol.hexadecimal import to_hex
from ledger.protocol.keccak import keccak256
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of
from ledger.protocol.units import PPM, SHARE_ONE
from settlement.assembly import open_attester, open_settlement
from settlement.settings import AttesterSettings, SettlementSettings
from settlement.worker import run_pass
from tests.factories.attesters import ATTESTERS
from tests.factories.distributor_stage import attester_server
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tests.factories.operator_flow import INPUT_PRICE, OUTPUT_PRICE, PROTOCOL_PPM, key_of
from tributary.devnet import Devnet, Pulse

ALICE, BOB, CAROL, DAVE = (address_of(key_of(f"contributor {name}")) for name in "ABCD")
PROTOCOL_PAYEE = address_of(key_of("protocol"))
DAY_SECONDS = 86_400


@dataclass
class PaidWorld:
    """Handles on the ledger and on what was put into it."""

    inner: IndexedWorld
    dataset: int = 0
    model: int = 0
    adapter: int = 0
    posted: dict[int, EncodedBatch] = field(default_factory=dict)
    """By batch id."""
    settled_ids: tuple[int, ...] = ()
    open_id: int = 0
    crowd: tuple[Contributor, ...] = ()
    """Contributors of a datanet: the dataset's split names them where it names CAROL otherwise."""
    publishing: list[TxReceipt] = field(default_factory=list)
    """The transactions that opened the crowd's list and published its rows."""

    @property
    def url(self) -> str:
        return self.inner.url

    @property
    def operator(self) -> bytes:
        return self.inner.flow.operator.address

    @property
    def data_payee(self) -> bytes:
        """Who has nine tenths of the dataset: CAROL, or the crowd's list."""
        return list_payee(1) if self.crowd else CAROL

    def effective(self) -> dict[int, tuple[EffectiveShare, ...]]:
        """Effective shares of the three assets, flattened here."""
        dataset = flatten([(self.data_payee, 900_000), (DAVE, 100_000)], [])
        model = flatten([(ALICE, PPM)], [])
        adapter = flatten([(BOB, 333_333), (ALICE, 666_667)], [(300_000, model)])
        return {self.dataset: dataset, self.model: model, self.adapter: adapter}

    def exact(self, batch_ids: tuple[int, ...]) -> dict[bytes, Fraction]:
        """Base units that each payee earned of these batches."""
        owed: dict[bytes, Fraction] = {}

        def owe(payee: bytes, amount: Fraction) -> None:
            owed[payee] = owed.get(payee, Fraction(0)) + amount

        shares = self.effective()
        for batch_id in batch_ids:
            for entry in self.posted[batch_id].entries:
                fee = Fraction(entry.receipt.fee_units)
                royalty = fee * ROYALTY_PPM[entry.receipt.asset_id == self.adapter] / PPM
                to_data = sum(
                    (Fraction(e.ppm, PPM) for e in entry.attribution if e.asset_id == self.dataset), Fraction(0)
                )
                to_data *= Fraction(DATA_PPM, PPM)
                owe(PROTOCOL_PAYEE, fee * PROTOCOL_PPM / PPM)
                owe(self.operator, fee - royalty - fee * PROTOCOL_PPM / PPM)
                for payee, share in shares[entry.receipt.asset_id]:
                    owe(payee, royalty * (1 - to_data) * share / SHARE_ONE)
                for payee, share in self._held(shares[self.dataset]) if to_data else ():
                    owe(payee, royalty * to_data * share / SHARE_ONE)
        return {payee: amount for payee, amount in owed.items() if amount}

    def _held(self, shares: Iterable[EffectiveShare]) -> Iterator[tuple[bytes, int]]:
        """The shares with the crowd's divided among it, each contributor by its own two sums of weights."""
        total = sum(weight for _, weight in self.crowd)
        for payee, share in shares:
            if not (self.crowd and payee == self.data_payee):
                yield payee, share
                continue
            for at, (contributor, _) in enumerate(self.crowd):
                before, upto = (sum(w for _, w in self.crowd[:end]) * share // total for end in (at, at + 1))
                yield contributor, upto - before


ROYALTY_PPM = {False: 200_000, True: 400_000}
"""Of the model, and of the adapter."""
DATA_PPM = 250_000
CHUNK = 256
"""Rows of a contributor list in one transaction."""


@contextmanager
def paid_world(
    devnet: Devnet,
    folder: Path,
    database_url: str,
    min_claim_units: int = 1,
    crowd: tuple[Contributor, ...] = (),
) -> Iterator[PaidWorld]:
    """Everything deployed, used, settled and indexed; claims below `min_claim_units` are left to the payees.

    As long as it stands, a transaction that waits is soon in a block, and there are no other blocks.
    """
    for clock in (devnet.l1_clock, devnet.l2_clock):
        clock.set(0)
    with Pulse(devnet, period_seconds=0.05), indexed_world(devnet, folder, database_url) as inner:
        world = PaidWorld(inner, crowd=crowd)
        inner.prepare()
        _publish(world)
        _register(world)
        first = _commit(world, [(world.model, ()), (world.adapter, half_data(world)), (world.adapter, ())] * 3)
        second = _commit(world, [(world.adapter, all_data(world)), (world.model, ())])
        inner.finalize(first, second)
        world.settled_ids = (first[0], second[0])
        _settle(world, min_claim_units)
        world.open_id = _commit(world, [(world.adapter, half_data(world))] * 2)[0]
        inner.index()
        yield world


def half_data(world: PaidWorld) -> tuple[SetEntry, ...]:
    """Half by the terms, half by the dataset."""
    return (SetEntry(0, 500_000), SetEntry(world.dataset, 500_000))


def all_data(world: PaidWorld) -> tuple[SetEntry, ...]:
    return (SetEntry(world.dataset, PPM),)


def _publish(world: PaidWorld) -> None:
    """The crowd's list, in chunks that one transaction holds."""
    flow, rows = world.inner.flow, [row_of(contributor) for contributor in world.crowd]
    if not rows:
        return
    weight = sum(weight for _, weight in world.crowd)
    opening = flow.registry.open_contributors(contributors_root(world.crowd), len(rows), weight)
    world.publishing.append(flow.send(opening))
    for at in range(0, len(rows), CHUNK):
        world.publishing.append(flow.send(flow.registry.publish_contributors(1, rows[at : at + CHUNK])))


def _register(world: PaidWorld) -> None:
    flow = world.inner.flow
    fixed, by_operator = AttributionMode.FIXED, AttributionMode.OPERATOR

    def terms(
        royalty: int, data: int, mode: int, split: list[Share], parents: tuple[Parent, ...], datasets: tuple[int, ...]
    ) -> Terms:
        return Terms(royalty, data, 0, 0, 0, mode, tuple(split), parents, datasets)

    data_split = [Share(world.data_payee, 900_000), Share(DAVE, 100_000)]
    world.dataset = flow.register(b"plays", terms(0, 0, fixed, data_split, (), ()), Kind.DATASET)
    world.model = flow.register(b"base", terms(ROYALTY_PPM[False], 0, fixed, [Share(ALICE, PPM)], (), ()))
    split, parents = [Share(BOB, 333_333), Share(ALICE, 666_667)], (Parent(world.model, 300_000),)
    adapter = terms(ROYALTY_PPM[True], DATA_PPM, by_operator, split, parents, (world.dataset,))
    world.adapter = flow.register(b"adapter", adapter, Kind.ADAPTER)
    for asset_id in (world.model, world.adapter):
        flow.send(flow.operators.set_price(asset_id, INPUT_PRICE, OUTPUT_PRICE))


def _commit(world: PaidWorld, uses: list[tuple[int, tuple[SetEntry, ...]]]) -> tuple[int, BatchRecord]:
    """One batch with these uses, dealt out to the payers in turn."""
    inner, flow = world.inner, world.inner.flow
    fees = inner.fees([997 + 1_003 * n for n in range(len(uses))])
    entries = []
    for entry, (asset_id, attribution) in zip(flow.receipts(world.model, fees), uses, strict=True):
        fields = {name: getattr(entry.receipt, name) for name in Receipt.__slots__}
        changed = {"asset_id": asset_id, "attribution_hash": attribution_hash(attribution)}
        receipt = Receipt(**(fields | changed))
        entries.append(BatchEntry(receipt, receipt.digest(flow.deployment.receipt_domain), attribution))
    batch = encode(entries)
    batch_id, record = inner.commit_batch(batch)
    world.posted[batch_id] = batch
    return batch_id, record


def _settle(world: PaidWorld, min_claim_units: int) -> None:
    """Final, attested, submitted, active, pushed, final again, reconciled."""
    devnet = world.inner.flow.devnet
    with settling(world, min_claim_units) as settle_pass:
        for advance in (0, DAY_SECONDS + 1, 0):
            if advance:
                devnet.advance(advance)
            devnet.finalize()
            world.inner.index()
            settle_pass()
        world.inner.index()


@contextmanager
def settling(world: PaidWorld, min_claim_units: int = 1) -> Iterator[object]:
    """A settlement pass as a function, with three attesters at its side over the same index."""
    flow, settings = world.inner.flow, world.inner.settings
    common = {
        "database_url": SecretStr(world.url),
        "l2_rpc_url": settings.l2_rpc_url,
        "deployments_dir": settings.deployments_dir,
    }
    with ExitStack() as stack:
        urls = []
        for key in ATTESTERS:
            attester_settings = AttesterSettings.load(private_key=SecretStr(to_hex(key.secret)), **common)
            parts = stack.enter_context(open_attester(attester_settings))
            urls.append(stack.enter_context(attester_server(parts.attester)))
        payer_of_gas = flow.sender("settler")
        secret = SecretStr(to_hex(keccak256(b"contracts test ", b"settler")))
        assert payer_of_gas.address == address_of(key_of("settler"))
        given = {
            "private_key": secret,
            "attester_urls": tuple(urls),
            "min_claim_units": min_claim_units,
            "claims_per_transaction": 100 if world.crowd else 3,
        }
        connections, _ = stack.enter_context(open_settlement(SettlementSettings.load(**given, **common)))
        yield lambda: run_pass(connections)
