"""A voided batch of one's own: payers refunded, receipts posted anew, the hole filled in time, whatever dies meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from batcher import prepare
from batcher.encoding import encode_checked
from batcher.worker import Worker
from ledger.archive import blob_matches
from ledger.chain.contracts.challenges import Challenges, Opening
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchRefilled
from ledger.errors import UsageError
from ledger.protocol.blob import kzg
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch
from ledger.protocol.signature import address_of
from tests.factories.batcher_world import PAYERS, Batching, events
from tests.factories.operator_flow import DAY, OperatorFlow
from tests.factories.outbox import Use, mining
from watcher.batches import committed_batch

pytestmark = pytest.mark.chain

FIRST, SECOND = (address_of(payer) for payer in PAYERS)
STATES = "SELECT fill, state FROM batch_jobs ORDER BY fill"
LEAST_EFFECTS = 8
BASE_TIME_BYTE = 2 * 32 - 1


def faulty(entries: list[BatchEntry], method: bytes, params_hash: bytes) -> EncodedBatch:
    """An encoder with a fault: its blobs say another base time than its header."""
    batch = encode_checked(entries, method, params_hash)
    blob = bytearray(batch.blobs[0])
    blob[BASE_TIME_BYTE] ^= 1
    return replace(batch, blobs=(bytes(blob),))


def post_falsely(batching: Batching, monkeypatch: pytest.MonkeyPatch) -> None:
    """Post with the faulty encoder: a true one makes no batch that could be challenged."""
    with monkeypatch.context() as patch, mining(batching.flow.devnet):
        patch.setattr(prepare, "encode_checked", faulty)
        batching.run()


def challenge(batching: Batching, lane: int) -> BatchCommitted:
    """Void the lane's newest filling by its false header, as a watcher would."""
    flow = batching.flow
    (committed,) = [event for event in events(flow, BatchCommitted) if event.lane == lane]
    ((blob,),) = batching.query("SELECT blob FROM batch_blobs ORDER BY job_id DESC LIMIT 1")
    filled = [event for event in events(flow, BatchRefilled) if event.batch_id == committed.batch_id]
    newest = filled[-1] if filled else committed
    assert blob_matches(blob, newest.versioned_hashes[0])
    batch = committed_batch(newest, committed.committed_at)
    challenges = Challenges(flow.l2, flow.deployment.l2)
    call = challenges.challenge_header(batch, 1, Opening.of(kzg.open_at(blob, 1)))
    flow.send(call, flow.sender("challenger"))
    flow.devnet.finalize()
    return committed


def voided(batching: Batching, lane: int, monkeypatch: pytest.MonkeyPatch) -> BatchCommitted:
    """The commit of a batch with a false header, voided since."""
    post_falsely(batching, monkeypatch)
    return challenge(batching, lane)


def test_a_voided_batch_is_refunded_and_filled_with_right_blobs(
    flow: OperatorFlow, batching: Batching, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, me = 1, flow.operator.address
    outbox = batching.outbox()
    outbox.authorize(PAYERS[0], 10**6, flow.devnet.now() + 30 * DAY)
    outbox.issue(lane, [Use(FIRST, 600_000), Use(SECOND, 0), Use(FIRST, 4)])
    committed = voided(batching, lane, monkeypatch)
    outbox.issue(lane, [Use(FIRST, 7)])

    with mining(flow.devnet):
        batching.run()
    (refilled,) = [event for event in events(flow, BatchRefilled) if event.batch_id == committed.batch_id]
    assert refilled.charges == committed.charges
    assert refilled.versioned_hashes != committed.versioned_hashes
    assert flow.ledger.next_seq(me, lane, "latest") == 4, "the batch after the hole went its own way"
    assert flow.escrow.account(FIRST, me, "latest").collected_units == 600_011
    assert batching.query(f"{STATES}, first_seq") == [(0, "voided"), (0, "committed"), (1, "committed")]

    flow.devnet.advance(7 * DAY + 2)
    with mining(flow.devnet):
        batching.run()
    assert batching.query(f"{STATES}, first_seq") == [(0, "voided"), (0, "finalized"), (1, "finalized")]


@pytest.mark.parametrize("cut", [("after", 1, 2), ("before", 2, 3)], ids=lambda cut: f"{cut[0]} effect {cut[1]}")
def test_a_power_cut_at_every_effect_leads_to_one_refill(
    flow: OperatorFlow,
    batching: Batching,
    monkeypatch: pytest.MonkeyPatch,
    cut: tuple[Literal["before", "after"], int, int],
) -> None:
    when, at, lane = cut
    batching.outbox().issue(lane, [Use(FIRST, 3), Use(SECOND, 2)])
    committed = voided(batching, lane, monkeypatch)
    with mining(flow.devnet, 0.02):
        cuts = batching.run_through_cuts(batching.settings(), when, at)
    assert cuts >= LEAST_EFFECTS
    assert batching.query(STATES) == [(0, "voided"), (1, "committed")]
    assert [event.batch_id for event in events(flow, BatchRefilled)].count(committed.batch_id) == 1
    assert batching.query("SELECT count(*) FROM batch_transactions WHERE outcome IS NULL") == [(0,)]


def test_blobs_that_were_voided_are_not_posted_again_until_the_fault_is_mended(
    flow: OperatorFlow, batching: Batching, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = 4
    batching.outbox().issue(lane, [Use(FIRST, 0)])
    voided(batching, lane, monkeypatch)
    with pytest.raises(UsageError, match="was voided, and its receipts give the same blobs again"):
        post_falsely(batching, monkeypatch)
    assert batching.query(STATES) == [(0, "voided"), (1, "faulted")]
    with mining(flow.devnet):
        batching.run()
    assert batching.query(STATES) == [(0, "voided"), (1, "committed")]


def test_a_hole_that_is_final_is_given_up_and_told(
    flow: OperatorFlow, batching: Batching, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = 5
    batching.outbox().issue(lane, [Use(FIRST, 0)])
    voided(batching, lane, monkeypatch)
    with batching.parts() as parts:
        worker = Worker(parts)
        while batching.query(STATES) != [(0, "voided"), (1, "encoded")]:
            worker.run_pass()
        flow.devnet.advance(3 * DAY + 60)
    with mining(flow.devnet), pytest.raises(UsageError, match="is final: it was not filled in time"):
        batching.run()
    assert batching.query(STATES) == [(0, "voided"), (1, "faulted")]
