"""The batcher when things go wrong: power cuts at every step, reorgs of both chains, stuck and foreign transactions.

Whatever happens, each batch is posted once and committed once.
"""

from __future__ import annotations

import contextlib
from threading import Thread
from typing import Literal

import psycopg
import pytest

from batcher.running import drain
from batcher.worker import Worker
from ledger.chain.events.blob_inbox import BlobsPosted, BlobsRelayed
from ledger.chain.events.payment_escrow import CapSet
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized
from ledger.errors import DatabaseUnavailableError, InsufficientFundsError
from ledger.protocol.batch import post_hash
from ledger.protocol.signature import address_of
from tests.factories.batcher_world import PAYERS, Batching, events, still
from tests.factories.operator_flow import DAY, OperatorFlow
from tests.factories.outbox import Use, mining
from tests.factories.power_cut import PowerCutError, power_cut

pytestmark = pytest.mark.chain

FIRST, SECOND = (address_of(payer) for payer in PAYERS)
LEAST_EFFECTS = 11


def assert_once(flow: OperatorFlow, lane: int) -> BatchCommitted:
    """The lane's one batch, committed once and posted once."""
    (committed,) = [event for event in events(flow, BatchCommitted) if event.lane == lane]
    name = post_hash(committed.versioned_hashes)
    assert [event.post_hash for event in events(flow, BlobsPosted)].count(name) == 1
    return committed


@pytest.mark.parametrize(("when", "at", "lane"), [("after", 1, 1), ("before", 2, 2)])
def test_a_power_cut_at_every_effect_leads_to_one_post_one_commit_and_one_payment(
    flow: OperatorFlow,
    batching: Batching,
    when: Literal["before", "after"],
    at: int,
    lane: int,
) -> None:
    outbox = batching.outbox()
    outbox.authorize(PAYERS[0], lane * 10**6, flow.devnet.now() + (30 + lane) * DAY)
    outbox.issue(lane, [Use(FIRST, lane * 600_000), Use(SECOND, 0), Use(FIRST, 4)])
    settings = batching.settings()
    with mining(flow.devnet, 0.02):
        assert batching.run_through_cuts(settings, when, at) >= LEAST_EFFECTS
        committed = assert_once(flow, lane)
        assert [e.cap_units for e in events(flow, CapSet)].count(lane * 10**6) == 1

        flow.devnet.advance(7 * DAY + 2)
        assert batching.run_through_cuts(settings, when, at) >= 2
    assert [event.batch_id for event in events(flow, BatchFinalized)].count(committed.batch_id) == 1
    assert batching.query("SELECT state FROM batch_jobs") == [("finalized",)]
    assert batching.query("SELECT count(*) FROM batch_transactions WHERE outcome IS NULL") == [(0,)]


def test_a_post_that_sticks_is_sent_again_at_higher_fees_and_lands_once(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(3, [Use(FIRST, 0)])
    settings = batching.settings(stuck_seconds=0.2)
    with still(flow.devnet.l1_clock):
        batcher = Thread(target=batching.run, args=(settings,))
        batcher.start()
        sent = "SELECT nonce, gas_price_wei FROM batch_transactions WHERE purpose = 'post'"
        while len(batching.query(sent)) < 3:
            assert batcher.is_alive()
            flow.devnet.l2.mine()
        assert len({nonce for nonce, _ in batching.query(sent)}) == 1
        with mining(flow.devnet):
            batcher.join(60)
    assert not batcher.is_alive()
    assert_once(flow, 3)
    outcomes = batching.query("SELECT outcome FROM batch_transactions WHERE purpose = 'post' ORDER BY outcome")
    assert outcomes[0] == ("mined",)
    assert {outcome for (outcome,) in outcomes[1:]} == {"replaced"}


def test_a_post_that_an_l1_reorg_drops_is_sent_again(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(5, [Use(FIRST, 0)])
    l1 = flow.devnet.l1
    with (
        still(flow.devnet.l1_clock),
        still(flow.devnet.l2_clock),  # so that the attestation does not arrive meanwhile
        batching.parts(batching.settings()) as parts,
    ):
        batching.passes_until(parts, "posted", mine=l1)
        l1.call("anvil_reorg", 1, [])
        assert all(post_hash(e.versioned_hashes) != _post_of(batching) for e in events(flow, BlobsPosted))
        batching.passes_until(parts, "encoded")
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert_once(flow, 5)


def _post_of(batching: Batching) -> bytes:
    return bytes(batching.query("SELECT post_hash FROM batch_jobs")[0][0])


def test_a_commit_that_an_l2_reorg_drops_is_sent_again(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(6, [Use(FIRST, 0)])
    l2 = flow.devnet.l2
    with (
        still(flow.devnet.l2_clock),
        batching.parts(batching.settings()) as parts,
    ):
        with still(flow.devnet.l1_clock):
            batching.passes_until(parts, "posted", mine=flow.devnet.l1)
        batching.passes_until(parts, "committed", mine=l2)
        l2.call("anvil_reorg", 1, [])
        assert not [event for event in events(flow, BatchCommitted) if event.lane == 6]
        batching.passes_until(parts, "attested")
        batching.passes_until(parts, "committed", mine=l2)
    assert_once(flow, 6)


def test_a_database_restored_from_before_the_post_finds_the_batch_on_the_chains(
    flow: OperatorFlow, batching: Batching
) -> None:
    batching.outbox().issue(7, [Use(FIRST, 0)])
    settings = batching.settings()
    with mining(flow.devnet):
        batching.run(settings)
        with psycopg.connect(batching.database_url, autocommit=True) as connection:
            connection.execute("DELETE FROM batch_transactions")
            connection.execute(
                "UPDATE batch_jobs SET state = 'encoded', batch_id = NULL, committed_at = NULL, reserve_units = NULL"
            )
        batching.run(settings)
    committed = assert_once(flow, 7)
    assert batching.query("SELECT state, batch_id FROM batch_jobs") == [("committed", committed.batch_id)]


def test_a_lane_that_another_process_committed_is_left_alone(flow: OperatorFlow, batching: Batching) -> None:
    outbox = batching.outbox()
    outbox.issue(8, [Use(FIRST, 0)] * 2)
    settings = batching.settings()
    with contextlib.suppress(PowerCutError), power_cut("after", 1):
        batching.run(settings)  # selects both receipts and no more
    with mining(flow.devnet):
        other = flow.batch(1, [(FIRST, 0), (FIRST, 0)], lane=8)
        hashes, _ = flow.post(other)
        flow.commit(other, hashes)
        batching.run(settings)
    assert batching.query("SELECT state FROM batch_jobs") == [("superseded",)]
    assert len([event for event in events(flow, BatchCommitted) if event.lane == 8]) == 1


def test_an_account_without_ether_is_told_so_and_goes_on_when_it_has_some(
    flow: OperatorFlow, batching: Batching
) -> None:
    batching.outbox().issue(9, [Use(FIRST, 0)])
    settings = batching.settings(poster_key="0x" + "77" * 32)
    with mining(flow.devnet):
        with pytest.raises(InsufficientFundsError, match="can not pay for its transaction on L1; send it ether"):
            batching.run(settings)
        poster = address_of(settings.poster_signer)
        flow.devnet.l1.call("anvil_setBalance", "0x" + poster.hex(), hex(10**18))
        batching.run(settings)
    assert_once(flow, 9)


def test_a_database_that_drops_its_connections_is_waited_for(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(10, [Use(FIRST, 0)])
    settings = batching.settings()
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
    with batching.parts(settings) as parts:
        worker = Worker(parts)
        assert worker.run_pass(everything=True)
        batching.query(others)
        with pytest.raises(DatabaseUnavailableError, match="PostgreSQL does not answer"):
            worker.run_pass(everything=True)
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert_once(flow, 10)


def test_a_post_that_the_l2_never_hears_of_is_made_again(
    flow: OperatorFlow, batching: Batching, monkeypatch: pytest.MonkeyPatch
) -> None:
    batching.outbox().issue(11, [Use(FIRST, 0)])
    settings = batching.settings(attest_patience_seconds=1)
    with batching.parts(settings) as parts:
        with monkeypatch.context() as patch:
            # Queued and never relayed: what a deposit that failed on L2 looks like.
            patch.setattr(parts.chains.inbox, "post_blobs", parts.chains.inbox.queue_blobs)
            batching.passes_until(parts, "posted", mine=flow.devnet.l1)
        with mining(flow.devnet):
            drain(parts, everything=True)
    (committed,) = [event for event in events(flow, BatchCommitted) if event.lane == 11]
    posted = [event.post_hash for event in events(flow, BlobsPosted)]
    assert posted.count(post_hash(committed.versioned_hashes)) == 2


def test_a_power_cut_after_every_effect_of_posts_that_share_a_deposit_leads_to_one_post_and_one_relay_each(
    flow: OperatorFlow, batching: Batching
) -> None:
    outbox = batching.outbox()
    for lane in (12, 13):
        outbox.issue(lane, [Use(FIRST, 0)])
    settings = batching.settings(share_deposits=2, share_wait_seconds=3600)
    with mining(flow.devnet, 0.02):
        assert batching.run_through_cuts(settings, "after", 1) >= LEAST_EFFECTS
    posts = {post_hash(assert_once(flow, lane).versioned_hashes) for lane in (12, 13)}
    relayed = [event.post_hashes for event in events(flow, BlobsRelayed) if posts & set(event.post_hashes)]
    assert sorted(name for names in relayed for name in names) == sorted(posts), "each was relayed once"
