"""The honest path on real chains: register, deposit, post blobs, attest, commit, finalise, submit a root, claim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.chain.blocks import block_at
from ledger.chain.structs import BatchStatus, Claim
from ledger.errors import ContractRevertedError
from ledger.protocol.batch import post_hash
from ledger.protocol.distribution import Distribution, DistributionTree, Payout
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import address_of, sign
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import (
    DAY,
    INPUT_PRICE,
    OUTPUT_PRICE,
    PROTOCOL_PPM,
    OperatorFlow,
    execute,
    key_of,
    operator_flow,
    terms_for,
)
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

PAYER_NAMES = sorted(("payer 0", "payer 1"), key=lambda name: address_of(key_of(name)))
PAYERS = [key_of(name) for name in PAYER_NAMES]
OWNER = address_of(key_of("model owner"))
RICH, POOR = 50_000_000, 3_000_000
BOND, OWN_DEPOSIT = 1_000_000_000, 100_000_000


@pytest.fixture(scope="module")
def flow(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorFlow]:
    with operator_flow(devnet, tmp_path_factory.mktemp("deployments"), ATTESTERS, quorum=2) as flow:
        yield flow


def prepare(flow: OperatorFlow) -> int:
    """Everything before the first batch; the asset's id."""
    asset_id = flow.register(b"model weights", terms_for([(OWNER, 1_000_000)]))
    me = flow.operator.address
    flow.send(flow.operators.set_price(asset_id, INPUT_PRICE, OUTPUT_PRICE))
    flow.send(flow.operators.add_key(0, address_of(flow.lane_key)))
    flow.fund(me, flow.operators.address, BOND, flow.operator)
    flow.send(flow.operators.deposit_bond(me, BOND))
    flow.fund(me, flow.escrow.address, OWN_DEPOSIT, flow.operator)
    flow.send(flow.escrow.deposit(me, me, OWN_DEPOSIT))
    for name, amount in zip(PAYER_NAMES, (RICH, POOR), strict=True):
        payer = flow.sender(name)
        flow.fund(payer.address, flow.escrow.address, amount, payer)
        flow.send(flow.escrow.deposit(payer.address, me, amount), payer)
        flow.authorize(key_of(name), 10_000_000)
    return asset_id


def test_an_answer_becomes_money_in_the_payees_hands(flow: OperatorFlow) -> None:
    asset_id = prepare(flow)
    rich, poor = (address_of(payer) for payer in PAYERS)
    batch = flow.batch(asset_id, [(rich, 1_000_001), (poor, 2_000_000), (rich, 500_000)])
    total = batch.header.total_fee_units
    assert total == 2_000_002 + 4_000_000 + 1_000_000

    hashes, _ = flow.post(batch)
    batch_id, record, _ = flow.commit(batch, hashes)
    assert flow.ledger.batch_status(batch_id, record, "latest") is BatchStatus.OPEN
    assert flow.ledger.next_seq(flow.operator.address, 0, "latest") == 3
    _check_collection(flow, batch_id, rich, poor)

    with pytest.raises(ContractRevertedError) as early:
        flow.send(flow.ledger.finalize_batch(batch_id, record))
    assert early.value.error_name == "LedgerWindowOpen"
    flow.devnet.advance(7 * DAY + 2)
    flow.send(flow.ledger.finalize_batch(batch_id, record))
    assert flow.ledger.batch_status(batch_id, record, "latest") is BatchStatus.FINALIZED
    assert flow.distributor.total_funded("latest") == total == flow.token.balance_of(flow.distributor.address, "latest")
    assert flow.operators.bond(flow.operator.address, "latest").reserved_units == 0

    _pay(flow, total)


def _check_collection(flow: OperatorFlow, batch_id: int, rich: bytes, poor: bytes) -> None:
    """The poor payer's three dollars went; the operator's own deposit paid the missing one."""
    me = flow.operator.address
    assert flow.escrow.account(rich, me, "latest").balance_units == RICH - 3_000_002
    owing = flow.escrow.account(poor, me, "latest")
    assert (owing.balance_units, owing.collected_units, owing.debt_units) == (0, POOR, 1_000_000)
    assert flow.escrow.shortfall_of(batch_id, poor, "latest") == 1_000_000
    assert flow.escrow.account(me, me, "latest").balance_units == OWN_DEPOSIT - 1_000_000


def _pay(flow: OperatorFlow, total: int) -> None:
    protocol = total * PROTOCOL_PPM // 1_000_000
    royalty = total * 200_000 // 1_000_000
    payouts = [
        Payout(address_of(key_of("protocol")), protocol),
        Payout(OWNER, royalty),
        Payout(flow.operator.address, total - protocol - royalty),
    ]
    tree = DistributionTree(payouts, flow.token.address)
    head = block_at(flow.l2, "latest")
    distribution = Distribution(1, tree.root, total, head.number, head.hash, keccak256(b"distribution file"))
    digest = distribution.digest(flow.deployment.distribution_domain)
    assert flow.distributor.distribution_digest(distribution, "latest") == digest
    flow.send(flow.distributor.submit_root(distribution, [sign(digest, key) for key in ATTESTERS[:2]]))
    flow.devnet.advance(DAY + 1)
    flow.send(flow.distributor.claim(1, OWNER, royalty, tree.proof(OWNER)))
    flow.send(
        flow.distributor.claim_many(1, [Claim(p.payee, p.cumulative_units, tree.proof(p.payee)) for p in payouts])
    )
    for payout in payouts:
        assert flow.distributor.claimed(payout.payee, "latest") == payout.cumulative_units
    assert flow.token.balance_of(OWNER, "latest") == royalty
    assert flow.token.balance_of(flow.distributor.address, "latest") == 0


def test_a_wrong_block_hash_is_refused_while_the_chain_remembers_it(flow: OperatorFlow) -> None:
    head = block_at(flow.l2, "latest")
    index = flow.distributor.next_root_index("latest")
    funded = flow.distributor.total_funded("latest")
    wrong = Distribution(index, keccak256(b"root"), funded, head.number, keccak256(b"another block"), bytes(32))
    digest = wrong.digest(flow.deployment.distribution_domain)
    with pytest.raises(ContractRevertedError) as refused:
        flow.send(flow.distributor.submit_root(wrong, [sign(digest, key) for key in ATTESTERS[:2]]))
    assert refused.value.error_name == "DistributorBlockHash"


def test_the_deposits_gas_is_enough_for_six_blobs(flow: OperatorFlow) -> None:
    head = flow.ledger.next_seq(flow.operator.address, 0, "latest")
    asset_id = 1
    payer = address_of(PAYERS[0])
    batch = flow.batch(asset_id, [(payer, 1)] * 10_300)
    assert batch.header.blob_count == 6
    hashes, receipt = flow.post(batch)
    assert len(hashes) == 6
    assert receipt.blob_gas_used == 6 * 131_072
    flow.commit(batch, hashes)
    assert flow.ledger.next_seq(flow.operator.address, 0, "latest") == head + 10_300


def test_queued_posts_share_one_deposit_each_with_its_own_time(flow: OperatorFlow) -> None:
    payer = address_of(PAYERS[0])
    first = flow.batch(1, [(payer, 7)])
    second = flow.batch(1, [(payer, 8)], lane=3)
    names = []
    for batch in (first, second):
        hashes, receipt = flow.send_blobs(batch, flow.inbox.queue_blobs())
        names.append((post_hash(hashes), block_at(flow.l1, receipt.block_number).timestamp))
        flow.devnet.advance(100)
    assert not flow.ledger.attested_at(names[0][0], "latest")
    execute(flow.devnet, flow.operator_l1, flow.inbox.relay([name for name, _ in names]))
    for name, time in names:
        flow.wait_for_attestation(name)
        assert flow.ledger.attested_at(name, "latest") == time


def test_the_messenger_carries_attestations_too(devnet: Devnet, tmp_path: Path) -> None:
    with operator_flow(devnet, tmp_path, ATTESTERS, quorum=2, messenger=True) as flow:
        batch = flow.batch(1, [(address_of(PAYERS[0]), 7)])
        hashes, receipt = flow.post(batch)
        posted = block_at(flow.l1, receipt.block_number).timestamp
        assert flow.ledger.attested_at(post_hash(hashes), "latest") == posted
