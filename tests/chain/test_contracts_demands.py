"""Unattested batches on real chains: a blob that is demanded is posted on L1, or the batch is voided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ledger.chain.blocks import block_at
from ledger.chain.contracts.blob_demands import BlobDemands
from ledger.chain.contracts.challenges import CommittedBatch
from ledger.chain.sender import Sender
from ledger.chain.structs import BatchStatus, DemandStatus
from ledger.errors import ContractRevertedError
from ledger.protocol.blob import kzg
from ledger.protocol.blob.encode import EncodedBatch
from ledger.protocol.signature import address_of
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import DAY, INPUT_PRICE, OUTPUT_PRICE, OperatorFlow, key_of, operator_flow, terms_for
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

PAYER = key_of("payer of unattested batches")
BOND, DEPOSIT = 1_000_000_000, 50_000_000
DATA_COMMITMENT = b"\x01where another layer has it"


@pytest.fixture(scope="module")
def flow(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorFlow]:
    with operator_flow(devnet, tmp_path_factory.mktemp("deployments"), ATTESTERS, quorum=3) as flow:
        me = flow.operator.address
        flow.fund(me, flow.operators.address, BOND, flow.operator)
        flow.send(flow.operators.deposit_bond(me, BOND))
        payer = flow.sender("payer of unattested batches")
        flow.fund(payer.address, flow.escrow.address, DEPOSIT, payer)
        flow.send(flow.escrow.deposit(payer.address, me, DEPOSIT), payer)
        flow.authorize(PAYER, DEPOSIT)
        yield flow


def committed(flow: OperatorFlow, name: bytes) -> tuple[CommittedBatch, EncodedBatch]:
    """A batch whose blobs are on no chain."""
    asset = flow.register(name, terms_for([(address_of(key_of("owner")), 1_000_000)]))
    flow.send(flow.operators.set_price(asset, INPUT_PRICE, OUTPUT_PRICE))
    encoded = flow.batch(asset, [(address_of(PAYER), 1_000)])
    hashes = tuple(kzg.versioned_hash(kzg.kzg_commitment(blob)) for blob in encoded.blobs)
    tx = flow.send(flow.ledger.commit_unattested(encoded.header, hashes, encoded.charges, DATA_COMMITMENT))
    record = flow.record_of(encoded, hashes, block_at(flow.l2, tx.block_number).timestamp)
    assert record.attested_at == 0
    batch = CommittedBatch(flow.ledger.batch_count("latest"), record, encoded.header, hashes, encoded.charges)
    assert flow.ledger.batch_status(batch.batch_id, record, "latest") is BatchStatus.OPEN
    return batch, encoded


def demanded(flow: OperatorFlow, batch: CommittedBatch) -> tuple[BlobDemands, Sender, int]:
    demands = BlobDemands(flow.l2, flow.deployment.l2.blob_demands)
    demander, deposit = flow.sender("demander"), demands.deposit_units("latest")
    flow.fund(demander.address, demands.address, deposit, demander)
    flow.send(demands.demand_blob(batch, 0), demander)
    flow.devnet.advance(DAY)
    with pytest.raises(ContractRevertedError) as early:
        flow.send(demands.void_withheld(batch, 0))
    assert early.value.error_name == "DemandNotDue"
    return demands, demander, deposit


def test_a_demanded_blob_is_posted_for_the_deposit(flow: OperatorFlow) -> None:
    batch, encoded = committed(flow, b"posted on demand")
    demands, demander, deposit = demanded(flow, batch)
    record_hash = flow.ledger.batch_hash(batch.batch_id, "latest")
    assert demands.demand_of(batch.batch_id, record_hash, 0, "latest").demander == demander.address
    hashes, _ = flow.post(encoded)
    before = flow.token.balance_of(flow.operator.address, "latest")
    flow.send(demands.answer(batch, 0, hashes, 0), flow.sender("anybody"))
    assert flow.token.balance_of(flow.operator.address, "latest") == before + deposit
    assert demands.standing(batch.batch_id, record_hash, "latest")[1] == 0
    flow.devnet.advance(6 * DAY + 60)
    with pytest.raises(ContractRevertedError) as early:
        flow.send(flow.ledger.finalize_batch(batch.batch_id, batch.record))
    assert early.value.error_name == "LedgerWindowOpen"
    flow.devnet.advance(DAY)
    flow.send(flow.ledger.finalize_batch(batch.batch_id, batch.record))


def test_a_withheld_blob_costs_the_batch(flow: OperatorFlow) -> None:
    batch, _ = committed(flow, b"withheld")
    demands, demander, deposit = demanded(flow, batch)
    record_hash = flow.ledger.batch_hash(batch.batch_id, "latest")
    flow.devnet.advance(DAY + 60)
    before = flow.token.balance_of(demander.address, "latest")
    flow.send(demands.void_withheld(batch, 0), flow.sender("anybody"))
    gone = replace(batch.record, status=BatchStatus.VOIDED, reserve_units=0)
    assert flow.ledger.batch_status(batch.batch_id, gone, "latest") is BatchStatus.VOIDED
    reward = batch.record.reserve_units // 5
    assert flow.token.balance_of(demander.address, "latest") == before + deposit + reward
    demand = demands.demand_of(batch.batch_id, record_hash, 0, "latest")
    assert demand.status == DemandStatus.RETURNED
