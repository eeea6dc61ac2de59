"""A foreign transaction takes the nonce of one that the batcher has recorded. On chains of its own: it reads old state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from batcher.proving import ProvingPool
from batcher.running import open_parts
from batcher.settings import BatcherSettings
from batcher.worker import Worker
from ledger.chain.events.blob_inbox import BlobsPosted
from ledger.chain.transaction import Call
from ledger.protocol.signature import address_of
from tests.factories.batcher_world import (
    PAYERS,
    batcher_world,
    events,
    outbox_for,
    proving_pool,
    query,
    run_batcher,
    settings_for,
)
from tests.factories.outbox import Use, mining
from tests.factories.power_cut import PowerCutError, power_cut
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

FIRST = address_of(PAYERS[0])
SAFE_BLOCKS = 40
POSTS = "SELECT nonce, outcome FROM batch_transactions WHERE purpose = 'post' ORDER BY transaction_id"


@pytest.fixture(scope="module")
def pool() -> Iterator[ProvingPool]:
    with proving_pool() as pool:
        yield pool


def record_without_sending(settings: BatcherSettings, database_url: str, pool: ProvingPool) -> int:
    """The nonce of a post that was recorded when the power went."""
    for _ in range(50):
        with contextlib.suppress(PowerCutError), power_cut("before", 2):
            run_batcher(settings, pool)
        if found := query(database_url, POSTS):
            return int(found[0][0])
    raise AssertionError("no post was recorded")


def test_a_nonce_that_a_foreign_transaction_took_is_given_up_only_when_that_is_safe(
    fresh_devnet: Devnet, tmp_path: Path, database_url: str, pool: ProvingPool
) -> None:
    with batcher_world(fresh_devnet, tmp_path) as flow:
        outbox_for(flow, database_url).issue(0, [Use(FIRST, 0)])
        settings = settings_for(flow, tmp_path, database_url)
        flow.devnet.l1.call("evm_setIntervalMining", 0)
        recorded = record_without_sending(settings, database_url, pool)
        flow.operator_l1.broadcast(flow.operator_l1.sign(Call(FIRST, b"", 1), nonce=recorded))
        flow.devnet.l1.mine()
        with open_parts(settings, draining=True, proving=pool) as parts:
            worker = Worker(parts)
            for _ in range(5):
                worker.run_pass(everything=True)
        assert query(database_url, POSTS) == [(recorded, None)]
        flow.devnet.l1.mine(SAFE_BLOCKS)
        with mining(flow.devnet):
            run_batcher(settings, pool)
        assert query(database_url, POSTS) == [(recorded, "replaced"), (recorded + 1, "mined")]
        assert len(events(flow, BlobsPosted)) == 1
