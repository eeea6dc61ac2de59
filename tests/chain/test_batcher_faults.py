"""The batcher when things go wrong: power cuts at every step, reorgs of both chains, stuck and foreign transactions.

Whatever happens, each batch is posted once and committed once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Literal

import psycopg
import pytest

from batcher.parts import Parts
from batcher.proving import ProvingPool
from batcher.running import drain, open_parts
from batcher.settings import BatcherSettings
from batcher.worker import Worker
from ledger.chain.events.blob_inbox import BlobsPosted
from ledger.chain.events.payment_escrow import CapSet
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized
from ledger.errors import DatabaseUnavailableError, InsufficientFundsError
from ledger.protocol.batch import post_hash
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
from tests.factories.operator_flow import DAY, OperatorFlow
from tests.factories.outbox import Use, mining
from tests.factories.power_cut import PowerCutError, power_cut
from tributary.devnet import Devnet
from tributary.devnet.node import Node

pytestmark = pytest.mark.chain

FIRST, SECOND = (address_of(payer) for payer in PAYERS)
LEAST_EFFECTS = 11


@pytest.fixture(scope="module")
def pool() -> Iterator[ProvingPool]:
    with proving_pool() as pool:
        yield pool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def flow(devnet: Devnet, folder: Path) -> Iterator[OperatorFlow]:
    with batcher_world(devnet, folder) as flow:
        yield flow


@contextlib.contextmanager
def still(node: Node, block_seconds: int) -> Iterator[None]:
    """No block on this chain but those that the test mines."""
    node.call("evm_setIntervalMining", 0)
    try:
        yield
    finally:
        node.call("evm_setIntervalMining", block_seconds)


def assert_once(flow: OperatorFlow, lane: int) -> BatchCommitted:
    """The lane's one batch, committed once and posted once."""
    (committed,) = [event for event in events(flow, BatchCommitted) if event.lane == lane]
    name = post_hash(committed.versioned_hashes)
    assert [event.post_hash for event in events(flow, BlobsPosted)].count(name) == 1
    return committed


def run_through_cuts(settings: BatcherSettings, pool: ProvingPool, when: Literal["before", "after"], at: int) -> int:
    """How many power cuts it took until the batcher had nothing left to do."""
    for cuts in range(200):
        try:
            with power_cut(when, at):
                run_batcher(settings, pool)
        except PowerCutError:
            continue
        return cuts
    raise AssertionError("the batcher never came to an end")


@pytest.mark.parametrize(("when", "at", "lane"), [("after", 1, 1), ("before", 2, 2)])
def test_a_power_cut_at_every_effect_leads_to_one_post_one_commit_and_one_payment(
    flow: OperatorFlow,
    folder: Path,
    database_url: str,
    pool: ProvingPool,
    when: Literal["before", "after"],
    at: int,
    lane: int,
) -> None:
    outbox = outbox_for(flow, database_url)
    outbox.authorize(PAYERS[0], lane * 10**6, flow.devnet.now() + (30 + lane) * DAY)
    outbox.issue(lane, [Use(FIRST, lane * 600_000), Use(SECOND, 0), Use(FIRST, 4)])
    settings = settings_for(flow, folder, database_url)
    with mining(flow.devnet, 0.02):
        assert run_through_cuts(settings, pool, when, at) >= LEAST_EFFECTS
        committed = assert_once(flow, lane)
        assert [e.cap_units for e in events(flow, CapSet)].count(lane * 10**6) == 1

        flow.devnet.advance(7 * DAY + 2)
        assert run_through_cuts(settings, pool, when, at) >= 2
    assert [event.batch_id for event in events(flow, BatchFinalized)].count(committed.batch_id) == 1
    assert query(database_url, "SELECT state FROM batch_jobs") == [("finalized",)]
    assert query(database_url, "SELECT count(*) FROM batch_transactions WHERE outcome IS NULL") == [(0,)]


def test_a_post_that_sticks_is_sent_again_at_higher_fees_and_lands_once(
    flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool
) -> None:
    outbox_for(flow, database_url).issue(3, [Use(FIRST, 0)])
    settings = settings_for(flow, folder, database_url, stuck_seconds=0.2)
    with still(flow.devnet.l1, 12):
        batcher = Thread(target=run_batcher, args=(settings, pool))
        batcher.start()
        sent = "SELECT nonce, gas_price_wei FROM batch_transactions WHERE purpose = 'post'"
        while len(query(database_url, sent)) < 3:
            assert batcher.is_alive()
            flow.devnet.l2.mine()
        assert len({nonce for nonce, _ in query(database_url, sent)}) == 1
        with mining(flow.devnet):
            batcher.join(60)
    assert not batcher.is_alive()
    assert_once(flow, 3)
    outcomes = query(database_url, "SELECT outcome FROM batch_transactions WHERE purpose = 'post' ORDER BY outcome")
    assert outcomes[0] == ("mined",)
    assert {outcome for (outcome,) in outcomes[1:]} == {"replaced"}


def passes_until(parts: Parts, database_url: str, state: str, mine: Node | None = None) -> None:
    """Pass after pass until the only job is in this state."""
    worker = Worker(parts)
    for _ in range(400):
        worker.run_pass(everything=True)
        if query(database_url, "SELECT state FROM batch_jobs") == [(state,)]:
            return
        if mine is not None:
            mine.mine()
        worker.wait()
    raise AssertionError(f"the job never was {state}")


def test_a_post_that_an_l1_reorg_drops_is_sent_again(
    flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool
) -> None:
    outbox_for(flow, database_url).issue(5, [Use(FIRST, 0)])
    l1, l2 = flow.devnet.l1, flow.devnet.l2
    with (
        still(l1, 12),
        still(l2, 2),  # so that the attestation does not arrive meanwhile
        open_parts(settings_for(flow, folder, database_url), draining=True, proving=pool) as parts,
    ):
        passes_until(parts, database_url, "posted", mine=l1)
        l1.call("anvil_reorg", 1, [])
        assert all(post_hash(e.versioned_hashes) != _post_of(database_url) for e in events(flow, BlobsPosted))
        passes_until(parts, database_url, "encoded")
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert_once(flow, 5)


def _post_of(database_url: str) -> bytes:
    return bytes(query(database_url, "SELECT post_hash FROM batch_jobs")[0][0])


def test_a_commit_that_an_l2_reorg_drops_is_sent_again(
    flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool
) -> None:
    outbox_for(flow, database_url).issue(6, [Use(FIRST, 0)])
    l2 = flow.devnet.l2
    with (
        still(l2, 2),
        open_parts(settings_for(flow, folder, database_url), draining=True, proving=pool) as parts,
    ):
        with still(flow.devnet.l1, 12):
            passes_until(parts, database_url, "posted", mine=flow.devnet.l1)
        passes_until(parts, database_url, "committed", mine=l2)
        l2.call("anvil_reorg", 1, [])
        assert not [event for event in events(flow, BatchCommitted) if event.lane == 6]
        passes_until(parts, database_url, "attested")
        passes_until(parts, database_url, "committed", mine=l2)
    assert_once(flow, 6)


def test_a_database_restored_from_before_the_post_finds_the_batch_on_the_chains(
    flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool
) -> None:
    outbox_for(flow, database_url).issue(7, [Use(FIRST, 0)])
    settings = settings_for(flow, folder, database_url)
    with mining(flow.devnet):
        run_batcher(settings, pool)
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("DELETE FROM batch_transactions")
            connection.execute(
                "UPDATE batch_jobs SET state = 'encoded', batch_id = NULL, committed_at = NULL, reserve_units = NULL"
            )
        run_batcher(settings, pool)
    committed = assert_once(flow, 7)
    assert query(database_url, "SELECT state, batch_id FROM batch_jobs") == [("committed", committed.batch_id)]


def test_a_lane_that_another_process_committed_is_left_alone(
    flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool
) -> None:
    outbox = outbox_for(flow, database_url)
    outbox.issue(8, [Use(FIRST, 0)] * 2)
    settings = settings_for(flow, folder, database_url)
    with contextlib.suppress(PowerCutError), power_cut("after", 1):
        run_batcher(settings, pool)  # selects both receipts and no more
    with mining(flow.devnet):
        other = flow.batch(1, [(FIRST, 0), (FIRST, 0)], lane=8)
        hashes, _ = flow.post(other)
        flow.commit(other, hashes)
        run_batcher(settings, pool)
    assert query(database_url, "SELECT state FROM batch_jobs") == [("superseded",)]
    assert len([event for event in events(flow, BatchCommitted) if event.lane == 8]) == 1


def test_an_account_without_ether_is_told_so_and_goes_on_when_it_has_some(
    flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool
) -> None:
    outbox_for(flow, database_url).issue(9, [Use(FIRST, 0)])
    settings = settings_for(flow, folder, database_url, poster_key="0x" + "77" * 32)
    with mining(flow.devnet):
        with pytest.raises(InsufficientFundsError, match="can not pay for its transaction on L1; send it ether"):
            run_batcher(settings, pool)
        poster = address_of(settings.poster_signer)
        flow.devnet.l1.call("anvil_setBalance", "0x" + poster.hex(), hex(10**18))
        run_batcher(settings, pool)
    assert_once(flow, 9)


def test_a_database_that_drops_its_connections_is_waited_for(
    flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool
) -> None:
    outbox_for(flow, database_url).issue(10, [Use(FIRST, 0)])
    settings = settings_for(flow, folder, database_url)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    with open_parts(settings, draining=True, proving=pool) as parts:
        worker = Worker(parts)
        assert worker.run_pass(everything=True)
        query(database_url, others)
        with pytest.raises(DatabaseUnavailableError, match="PostgreSQL does not answer"):
            worker.run_pass(everything=True)
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert_once(flow, 10)
