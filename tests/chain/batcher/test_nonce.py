"""A foreign transaction takes the nonce of one that the batcher has recorded. On chains of its own: it reads old state."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from batcher.proving import ProvingPool
from batcher.worker import Worker
from ledger.chain.events.blob_inbox import BlobsPosted
from ledger.chain.transaction import Call
from ledger.protocol.signature import address_of
from tests.factories.batcher_world import PAYERS, Batching, batcher_world, events
from tests.factories.outbox import Use, mining
from tests.factories.power_cut import PowerCutError, power_cut
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

FIRST = address_of(PAYERS[0])
SAFE_BLOCKS = 40
POSTS = "SELECT nonce, outcome FROM batch_transactions WHERE purpose = 'post' ORDER BY transaction_id"


def record_without_sending(batching: Batching) -> int:
    """The nonce of a post that was recorded when the power went."""
    for _ in range(50):
        with contextlib.suppress(PowerCutError), power_cut("before", 2):
            batching.run()
        if found := batching.query(POSTS):
            return int(found[0][0])
    raise AssertionError("no post was recorded")


def test_a_nonce_that_a_foreign_transaction_took_is_given_up_only_when_that_is_safe(
    fresh_devnet: Devnet, tmp_path: Path, database_url: str, pool: ProvingPool
) -> None:
    with batcher_world(fresh_devnet, tmp_path) as flow:
        batching = Batching(flow, tmp_path, database_url, pool)
        batching.outbox().issue(0, [Use(FIRST, 0)])
        flow.devnet.l1_clock.set(0)
        recorded = record_without_sending(batching)
        flow.operator_l1.broadcast(flow.operator_l1.sign(Call(FIRST, b"", 1), nonce=recorded))
        flow.devnet.l1.mine()
        with batching.parts() as parts:
            worker = Worker(parts)
            for _ in range(5):
                worker.run_pass(everything=True)
        assert batching.query(POSTS) == [(recorded, None)]
        flow.devnet.l1.mine(SAFE_BLOCKS)
        with mining(flow.devnet):
            batching.run()
        assert batching.query(POSTS) == [(recorded, "replaced"), (recorded + 1, "mined")]
        assert len(events(flow, BlobsPosted)) == 1
