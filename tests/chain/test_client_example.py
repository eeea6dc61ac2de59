"""What the example's client asks the chain: a sequence number is judged by how far the lane was before the question."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.chain.blocks import block_at
from ledger.config import CHECKOUT
from ledger.protocol.blob import kzg
from ledger.protocol.signature import address_of
from tests.factories.attesters import ATTESTERS
from tests.factories.operator_flow import INPUT_PRICE, OUTPUT_PRICE, OperatorFlow, key_of, operator_flow, terms_for
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

BOND, OWN_DEPOSIT = 1_000_000_000, 100_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def flow(devnet: Devnet, folder: Path) -> Iterator[OperatorFlow]:
    with operator_flow(devnet, folder, ATTESTERS, quorum=2) as flow:
        me = flow.operator.address
        flow.send(flow.operators.add_key(0, address_of(flow.lane_key)))
        flow.fund(me, flow.operators.address, BOND, flow.operator)
        flow.send(flow.operators.deposit_bond(me, BOND))
        flow.fund(me, flow.escrow.address, OWN_DEPOSIT, flow.operator)
        flow.send(flow.escrow.deposit(me, me, OWN_DEPOSIT))
        yield flow


def test_a_batch_that_takes_the_number_after_the_question_is_no_reason_to_refuse(
    flow: OperatorFlow, folder: Path
) -> None:
    asset = flow.register(b"example's model", terms_for([(address_of(key_of("owner")), 1_000_000)]))
    flow.send(flow.operators.set_price(asset, INPUT_PRICE, OUTPUT_PRICE))
    asked = block_at(flow.l2, "latest")
    batch = flow.batch(asset, [(address_of(key_of("payer")), 1_000)])
    hashes = tuple(kzg.versioned_hash(kzg.kzg_commitment(blob)) for blob in batch.blobs)
    flow.send(flow.ledger.commit_unattested(batch.header, hashes, batch.charges, b""))
    receipt, signer = batch.entries[0].receipt, address_of(flow.lane_key)
    chain_of = runpy.run_path(str(CHECKOUT / "examples" / "chat_and_verify.py"))["Chain"]
    with closing(chain_of(flow.devnet.l2_url, folder, flow.deployment.receipt_domain.chain_id)) as chain:
        assert list(chain.findings(receipt, signer, asked).values()) == [True, True]
        committed = block_at(flow.l2, "latest")
        assert list(chain.findings(receipt, signer, committed).values()) == [True, False]
        assert chain.safe_block().number <= committed.number
