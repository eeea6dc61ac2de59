"""Demands for blobs, end to end: what the contract did with each deposit is what the indexer's tables say of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.chain.blocks import block_at
from ledger.chain.contracts.blob_demands import BlobDemands
from ledger.chain.contracts.challenges import CommittedBatch
from ledger.chain.sender import Sender
from ledger.protocol.blob import kzg
from ledger.protocol.blob.encode import EncodedBatch
from tests.factories.indexed_world import IndexedWorld, indexed_world
from tests.factories.operator_flow import DAY
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain


@dataclass
class Demanded:
    """Three unattested batches with a demand each: answered, withheld, and still open."""

    world: IndexedWorld
    demands: BlobDemands
    demander: Sender
    deposit: int
    answered: int
    withheld: int
    waiting: int


@pytest.fixture(scope="module")
def demanded(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory, module_database_url: str) -> Iterator[Demanded]:
    folder: Path = tmp_path_factory.mktemp("demanded")
    with indexed_world(devnet, folder, module_database_url) as world:
        world.prepare()
        yield _history(world)


def _history(world: IndexedWorld) -> Demanded:
    flow = world.flow
    demands = BlobDemands(flow.l2, flow.deployment.l2.blob_demands)
    demander, deposit = flow.sender("demander"), demands.deposit_units("latest")
    flow.fund(demander.address, demands.address, 3 * deposit, demander)
    posted, encoded = _unattested(world, [1_000, 2_000, 3_000])
    flow.send(demands.demand_blob(posted, 0), demander)
    hashes, _ = flow.post(encoded)
    flow.send(demands.answer(posted, 0, hashes, 0), flow.sender("anybody"))
    withheld, _ = _unattested(world, [4_000])
    flow.send(demands.demand_blob(withheld, 0), demander)
    flow.devnet.advance(2 * DAY + 60)
    flow.send(demands.void_withheld(withheld, 0), flow.sender("anybody"))
    waiting, _ = _unattested(world, [5_000])
    flow.send(demands.demand_blob(waiting, 0), demander)
    world.index()
    ids = (posted.batch_id, withheld.batch_id, waiting.batch_id)
    return Demanded(world, demands, demander, deposit, *ids)


def _unattested(world: IndexedWorld, units: list[int]) -> tuple[CommittedBatch, EncodedBatch]:
    """A batch that is committed before its blobs are on any chain."""
    flow = world.flow
    encoded = flow.batch(world.asset_id, world.fees(units))
    hashes = tuple(kzg.versioned_hash(kzg.kzg_commitment(blob)) for blob in encoded.blobs)
    tx = flow.send(flow.ledger.commit_unattested(encoded.header, hashes, encoded.charges, b"elsewhere"))
    record = flow.record_of(encoded, hashes, block_at(flow.l2, tx.block_number).timestamp)
    return CommittedBatch(flow.ledger.batch_count("latest"), record, encoded.header, hashes, encoded.charges), encoded


def test_every_deposit_is_booked_where_the_contract_sent_it(demanded: Demanded) -> None:
    world, deposit = demanded.world, demanded.deposit
    booked = world.rows(
        "SELECT batch_id, bucket, holder, amount_units FROM movements WHERE bucket LIKE 'demand_deposits%%'"
        " ORDER BY block_number, log_index, ordinal"
    )
    contract, demander, operator = demanded.demands.address, demanded.demander.address, world.flow.operator.address
    made = [("demand_deposits_in", demander, -deposit), ("demand_deposits", contract, deposit)]

    def ended(payee: bytes) -> list[tuple[str, bytes, int]]:
        return [("demand_deposits", contract, -deposit), ("demand_deposits_out", payee, deposit)]

    assert [row for row in booked if row[0] == demanded.answered] == [
        (demanded.answered, *row) for row in [*made, *ended(operator)]
    ]
    assert [row for row in booked if row[0] == demanded.withheld] == [
        (demanded.withheld, *row) for row in [*made, *ended(demander)]
    ]
    assert [row for row in booked if row[0] == demanded.waiting] == [(demanded.waiting, *row) for row in made]


def test_what_the_contracts_hold_is_what_the_book_says(demanded: Demanded) -> None:
    world = demanded.world
    held = dict(world.rows("SELECT contract, sum(amount_units) FROM movements WHERE contract IS NOT NULL GROUP BY 1"))
    flow = world.flow
    for contract in (demanded.demands.address, flow.escrow.address, flow.operators.address):
        assert held[contract] == flow.token.balance_of(contract, "latest")
    assert held[demanded.demands.address] == demanded.deposit
    assert world.rows("SELECT sum(amount_units) FROM movements") == [(0,)]


def test_the_withheld_batch_is_voided_by_its_own_name_and_the_answered_one_is_judged(demanded: Demanded) -> None:
    world = demanded.world
    rows = dict(world.rows("SELECT batch_id, status FROM batches"))
    assert rows == {demanded.answered: "open", demanded.withheld: "voided", demanded.waiting: "open"}
    slashed = world.rows(
        "SELECT holder, sum(amount_units) > 0 FROM movements WHERE bucket = 'challenger_rewards' GROUP BY 1"
    )
    assert slashed == [(demanded.demander.address, True)], "the reward is the demander's, whoever called"
    # Its blob was posted by demand, so it is judged as any other batch.
    assert world.rows("SELECT verdict FROM batches WHERE batch_id = %s", demanded.answered) == [("valid",)]
    assert world.rows("SELECT count(*) FROM receipts WHERE batch_id = %s", demanded.answered) == [(3,)]
