"""A deployment on the devnet with one operator, ten payers and what their batches need: the stage of the gas benchmark."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ledger.chain.structs import AttributionMode, Kind
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import INPUT_PRICE, OUTPUT_PRICE, OperatorFlow, key_of, operator_flow, terms_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tributary.devnet import Devnet

PAYER_NAMES = tuple(f"payer {n}" for n in range(10))
BOND, DEPOSIT = 100_000_000_000, 1_000_000_000
BURN_ADDRESS = bytes.fromhex("000000000000000000000000000000000000dead")
OUTPUT_UNITS = 5_000
"""… of every receipt: a fee of a cent at a token of six decimals."""


@dataclass(frozen=True)
class World:
    """An operator that serves one model, with attribution sets from four datasets if it likes."""

    flow: OperatorFlow
    model: int
    datasets: tuple[int, ...]

    def batch(self, count: int, payers: int, *, with_sets: bool = False) -> EncodedBatch:
        """The lane's next `count` receipts, of so many payers in turn; with sets, each has four entries of its own."""
        holders = [address_of(key_of(name)) for name in PAYER_NAMES[:payers]]
        entries = self.flow.receipts(self.model, [(holders[n % payers], OUTPUT_UNITS) for n in range(count)])
        return encode([self._with_set(n, entry) for n, entry in enumerate(entries)] if with_sets else entries)

    def _with_set(self, n: int, entry: BatchEntry) -> BatchEntry:
        weights = (n + 1, 250_000, 250_000, 499_999 - n)
        chosen = tuple(SetEntry(dataset, ppm) for dataset, ppm in zip(self.datasets, weights, strict=True))
        receipt = replace(entry.receipt, attribution_hash=attribution_hash(chosen))
        return BatchEntry(receipt, receipt.digest(self.flow.deployment.receipt_domain), chosen)


@contextmanager
def world(devnet: Devnet, folder: Path) -> Iterator[World]:
    """Deploys to `folder`, registers, bonds, deposits and authorises; no batch is there yet."""
    with operator_flow(devnet, folder, ATTESTERS, quorum=3) as flow:
        plain = terms_for([(address_of(key_of("model owner")), 1_000_000)])
        datasets = tuple(flow.register(b"dataset %d" % n, plain, Kind.DATASET) for n in range(4))
        terms = replace(plain, mode=AttributionMode.OPERATOR, data_ppm=500_000, datasets=datasets)
        model = flow.register(b"model", terms)
        _open_the_shop(flow, model)
        for name in PAYER_NAMES:
            _let_in(flow, name)
        yield World(flow, model, datasets)


def _open_the_shop(flow: OperatorFlow, model: int) -> None:
    me = flow.operator.address
    flow.send(flow.operators.set_price(model, INPUT_PRICE, OUTPUT_PRICE))
    flow.send(flow.operators.add_key(0, address_of(flow.lane_key)))
    flow.fund(me, flow.operators.address, BOND, flow.operator)
    flow.send(flow.operators.deposit_bond(me, BOND))
    # It has held something since the first slash ever.
    flow.send(flow.token.mint(BURN_ADDRESS, 1))


def _let_in(flow: OperatorFlow, name: str) -> None:
    payer = flow.sender(name)
    flow.fund(payer.address, flow.escrow.address, DEPOSIT, payer)
    flow.send(flow.escrow.deposit(payer.address, flow.operator.address, DEPOSIT), payer)
    flow.authorize(key_of(name), DEPOSIT, days=300)


def made_up(name: str) -> bytes:
    """An address that holds nothing, the same in every run."""
    return keccak256(name.encode())[:20]
