"""Blobs behind an Alt-DA server: committed unattested, posted on demand, and on L1 after all where the server fails."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from batcher.running import drain
from batcher.settings import BatcherSettings
from batcher.worker import Worker
from ledger.chain.altda import AltDaClient
from ledger.chain.contracts.blob_demands import BlobDemands
from ledger.chain.contracts.challenges import CommittedBatch
from ledger.chain.events.blob_inbox import BlobsPosted
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized, BatchRefilled, BatchUnattested
from ledger.errors import ContractRevertedError
from ledger.protocol.batch import post_hash
from ledger.protocol.signature import address_of
from tests.factories.altda_server import AltDaServer
from tests.factories.batcher_world import PAYERS, Batching, events, still
from tests.factories.operator_flow import DAY, OperatorFlow
from tests.factories.outbox import Use, mining
from watcher.batches import committed_batch

pytestmark = pytest.mark.chain

FIRST = address_of(PAYERS[0])
STATES = "SELECT fill, data_layer, state FROM batch_jobs ORDER BY fill"
FAULTS: dict[str, dict[str, Any]] = {
    "it says that its layer is down": {"PutReturnsFailoverError": True},
    "it fails": {"PutStatusCode": 500},
    "it answers other bytes": {"GetReturnsWrongBytes": True},
    "it loses what it was given": {"GetReturnsNothing": True},
    "it hangs": {"PutLatency": "30s"},
    "it trickles": {"PutTrickles": True},
    "it keeps less than a batch": {"MaxBlobSizeBytes": 10},
}


def settings(batching: Batching, server: AltDaServer, **changes: Any) -> BatcherSettings:
    return batching.settings(**{"altda_url": server.url, **changes})


def run(batching: Batching, settings: BatcherSettings) -> None:
    with mining(batching.flow.devnet):
        batching.run(settings)


def committed(flow: OperatorFlow, lane: int) -> BatchCommitted:
    """The lane's one commit."""
    (event,) = [event for event in events(flow, BatchCommitted) if event.lane == lane]
    assert isinstance(event, BatchCommitted)
    return event


def posts(flow: OperatorFlow, batch: BatchCommitted) -> int:
    """How often the whole batch was posted on L1."""
    return [event.post_hash for event in events(flow, BlobsPosted)].count(post_hash(batch.versioned_hashes))


@pytest.mark.parametrize(("kind", "lane"), [("generic", 1), ("keccak256", 2)])
def test_a_batch_behind_a_server_is_committed_with_its_commitment_and_paid(
    flow: OperatorFlow, batching: Batching, server: AltDaServer, kind: str, lane: int
) -> None:
    batching.outbox().issue(lane, [Use(FIRST, 0)] * 3)
    chosen = settings(batching, server, altda_commitment=kind)
    run(batching, chosen)
    batch = committed(flow, lane)
    (named,) = [event for event in events(flow, BatchUnattested) if event.batch_id == batch.batch_id]
    assert batch.attested_at == 0
    assert named.data_commitment[0] == (1 if kind == "generic" else 0)
    with closing(AltDaClient(server.url)) as client:
        kept = client.blobs(named.data_commitment, batch.header.blob_count)
    assert [(bytes(blob),) for (blob,) in batching.query("SELECT blob FROM batch_blobs")] == [(blob,) for blob in kept]
    assert posts(flow, batch) == 0
    assert batching.query(STATES) == [(0, "altda", "committed")]

    flow.devnet.advance(7 * DAY + 2)
    run(batching, chosen)
    assert batching.query(STATES) == [(0, "altda", "finalized")]
    assert batch.batch_id in {event.batch_id for event in events(flow, BatchFinalized)}


@pytest.mark.parametrize(("lane", "fault"), list(enumerate(FAULTS, 10)), ids=list(FAULTS))
def test_a_server_that_fails_is_left_for_l1(
    flow: OperatorFlow, batching: Batching, server: AltDaServer, lane: int, fault: str
) -> None:
    server.configure(**FAULTS[fault])
    batching.outbox().issue(lane, [Use(FIRST, 0)])
    run(batching, settings(batching, server, altda_patience_seconds=0, altda_timeout_seconds=0.5))
    batch = committed(flow, lane)
    assert batch.attested_at > 0
    assert posts(flow, batch) == 1
    assert batching.query(STATES) == [(0, "ethereum", "committed")]


def test_a_server_that_fails_for_a_moment_is_tried_again(
    flow: OperatorFlow, batching: Batching, server: AltDaServer
) -> None:
    server.configure(PutStatusCode=500)
    batching.outbox().issue(20, [Use(FIRST, 0)])
    with batching.parts(settings(batching, server)) as parts:
        worker = Worker(parts)
        while not worker.blocked:
            worker.run_pass(everything=True)
            worker.wait()
        assert "answered HTTP 500 to a batch" in str(next(iter(worker.blocked.values())))
        server.configure()
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert committed(flow, 20).attested_at == 0


def test_a_job_on_its_way_to_a_server_that_is_set_no_more_goes_to_l1(
    flow: OperatorFlow, batching: Batching, server: AltDaServer
) -> None:
    server.configure(PutStatusCode=500)
    batching.outbox().issue(21, [Use(FIRST, 0)])
    with batching.parts(settings(batching, server)) as parts:
        batching.passes_until(parts, "encoded")
    run(batching, batching.settings())
    assert committed(flow, 21).attested_at > 0


def test_a_power_cut_after_every_effect_leads_to_one_unattested_commit(
    flow: OperatorFlow, batching: Batching, server: AltDaServer
) -> None:
    batching.outbox().issue(30, [Use(FIRST, 0)] * 2)
    with mining(flow.devnet, 0.02):
        assert batching.run_through_cuts(settings(batching, server), "after", 1) >= 5
    assert committed(flow, 30).attested_at == 0
    assert batching.query(STATES) == [(0, "altda", "committed")]


def test_an_unattested_commit_that_an_l2_reorg_drops_is_sent_again(
    flow: OperatorFlow, batching: Batching, server: AltDaServer
) -> None:
    batching.outbox().issue(22, [Use(FIRST, 0)])
    l2 = flow.devnet.l2
    with still(flow.devnet.l2_clock), batching.parts(settings(batching, server)) as parts:
        batching.passes_until(parts, "committed", mine=l2)
        l2.call("anvil_reorg", 1, [])
        assert not [event for event in events(flow, BatchCommitted) if event.lane == 22]
        batching.passes_until(parts, "stored")
        batching.passes_until(parts, "committed", mine=l2)
    assert committed(flow, 22).attested_at == 0


def demanded(batching: Batching, settings: BatcherSettings, lane: int) -> tuple[BlobDemands, CommittedBatch]:
    """A batch of the lane behind a server, the blob of which somebody demands on L1."""
    flow = batching.flow
    batching.outbox().issue(lane, [Use(FIRST, 0)])
    run(batching, settings)
    event = committed(flow, lane)
    batch = committed_batch(event, event.committed_at)
    demands = BlobDemands(flow.l2, flow.deployment.l2.blob_demands)
    demander = flow.sender("demander")
    flow.fund(demander.address, demands.address, demands.deposit_units("latest"), demander)
    flow.send(demands.demand_blob(batch, 0), demander)
    return demands, batch


@pytest.mark.parametrize(("dies", "lane"), [(False, 40), (True, 41)], ids=["at once", "killed after every effect"])
def test_a_demanded_blob_is_posted_and_shown_in_time(
    flow: OperatorFlow, batching: Batching, server: AltDaServer, dies: bool, lane: int
) -> None:
    chosen = settings(batching, server)
    demands, batch = demanded(batching, chosen, lane)
    before = flow.token.balance_of(flow.operator.address, "latest")
    with mining(flow.devnet, 0.02):
        assert not dies or batching.run_through_cuts(chosen, "after", 1) >= 3
        batching.run(chosen)
    record_hash = flow.ledger.batch_hash(batch.batch_id, "latest")
    answered_at, open_demands = demands.standing(batch.batch_id, record_hash, "latest")
    assert open_demands == 0
    assert answered_at > batch.record.committed_at
    assert flow.token.balance_of(flow.operator.address, "latest") == before + demands.deposit_units("latest")
    assert posts(flow, committed(flow, lane)) == 1

    flow.devnet.advance(7 * DAY - 60)
    run(batching, chosen)
    assert batching.query(STATES) == [(0, "altda", "committed")], "the window began again with the answer"
    flow.devnet.advance(DAY)
    run(batching, chosen)
    assert batching.query(STATES) == [(0, "altda", "finalized")]


def test_a_demanded_blob_that_the_l2_never_hears_of_is_posted_again(
    flow: OperatorFlow, batching: Batching, server: AltDaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a deposit that fails on L2 costs the operator the batch and its bond."""
    chosen = settings(batching, server, attest_patience_seconds=1)
    demands, batch = demanded(batching, chosen, 42)
    mined = "SELECT count(*) FROM batch_transactions WHERE purpose = 'post_demanded' AND outcome = 'mined'"
    with batching.parts(chosen) as parts, mining(flow.devnet, 0.02):
        worker = Worker(parts)
        with monkeypatch.context() as patch:
            # Queued and never relayed: what a deposit that failed on L2 looks like.
            patch.setattr(parts.chains.inbox, "post_blobs", parts.chains.inbox.queue_blobs)
            while batching.query(mined) == [(0,)]:
                worker.run_pass()
        drain(parts, everything=True)
    assert batching.query(mined) >= [(2,)]
    record_hash = flow.ledger.batch_hash(batch.batch_id, "latest")
    assert demands.standing(batch.batch_id, record_hash, "latest")[1] == 0


def test_a_batch_lost_to_a_demand_is_filled_again_with_the_same_blobs_on_l1(
    flow: OperatorFlow, batching: Batching, server: AltDaServer
) -> None:
    chosen = settings(batching, server)
    demands, batch = demanded(batching, chosen, 50)
    flow.devnet.advance(2 * DAY + 60)
    flow.send(demands.void_withheld(batch, 0), flow.sender("demander"))
    flow.devnet.finalize()
    run(batching, chosen)
    (refilled,) = [event for event in events(flow, BatchRefilled) if event.batch_id == batch.batch_id]
    assert refilled.versioned_hashes == batch.versioned_hashes
    assert refilled.attested_at > 0
    assert batching.query(STATES) == [(0, "altda", "voided"), (1, "ethereum", "committed")]


def test_an_answer_that_comes_too_late_does_not_stop_the_batcher(
    flow: OperatorFlow, batching: Batching, server: AltDaServer
) -> None:
    chosen = settings(batching, server)
    demands, batch = demanded(batching, chosen, 51)
    flow.devnet.advance(2 * DAY + 60)
    with batching.parts(chosen) as parts:
        worker = Worker(parts)
        worker.run_pass()  # the blobs are on their way to L1 when the batch is lost
        flow.send(demands.void_withheld(batch, 0), flow.sender("demander"))
        flow.devnet.finalize()
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert batching.query(STATES)[0] == (0, "altda", "voided")
    with pytest.raises(ContractRevertedError):
        flow.send(flow.ledger.finalize_batch(batch.batch_id, batch.record))
