"""The batcher against a real L1, L2 and PostgreSQL: from the outbox to a finalised batch."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from batcher import authorizing
from batcher.report import Cost, cost
from batcher.running import drain
from ledger.chain.events.blob_inbox import BlobsPosted, BlobsRelayed
from ledger.chain.events.payment_escrow import CapSet, Shortfall
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized
from ledger.errors import ContractRevertedError, LaneFencedError, UsageError
from ledger.protocol.attribution import SetEntry
from ledger.protocol.batch import batch_commitment, post_hash
from ledger.protocol.signature import address_of
from tests.factories.batcher_world import PAYERS, Batching, events
from tests.factories.operator_flow import DAY, OperatorFlow, key_of
from tests.factories.outbox import Use, mining

pytestmark = pytest.mark.chain

FIRST, SECOND = (address_of(payer) for payer in PAYERS)
SET = (SetEntry(0, 250_000), SetEntry(3, 750_000))


def run(batching: Batching, *, everything: bool = True, **changes: Any) -> Cost:
    flow = batching.flow
    with mining(flow.devnet), batching.parts(batching.settings(**changes)) as parts:
        drain(parts, everything=everything)
        with parts.database.transaction() as session:
            return cost(session, flow.deployment, flow.operator.address)


def states(batching: Batching) -> list[str]:
    return [state for (state,) in batching.query("SELECT state FROM batch_jobs ORDER BY lane, first_seq")]


def of_lane(flow: OperatorFlow, lane: int) -> list[BatchCommitted]:
    return [event for event in events(flow, BatchCommitted) if event.lane == lane]


def test_what_waits_in_the_outbox_becomes_a_paid_batch(flow: OperatorFlow, batching: Batching) -> None:
    outbox = batching.outbox()
    outbox.issue(1, [Use(FIRST, 100), Use(SECOND, 30, attribution=SET), Use(FIRST, 0), Use(FIRST, 7, attribution=SET)])
    for payer in PAYERS:
        outbox.authorize(payer, 10**6, flow.devnet.now() + 30 * DAY)
    spent = run(batching)

    (committed,) = of_lane(flow, 1)
    assert (committed.header.count, committed.header.total_fee_units) == (4, 137)
    assert [tuple(charge) for charge in committed.charges] == sorted([(FIRST, 107), (SECOND, 30)])
    expected = batch_commitment(committed.header, committed.versioned_hashes, committed.charges)
    assert committed.batch_commitment == expected
    assert post_hash(committed.versioned_hashes) in {event.post_hash for event in events(flow, BlobsPosted)}
    assert {event.payer for event in events(flow, CapSet)} == {FIRST, SECOND}
    assert not events(flow, Shortfall)
    assert states(batching) == ["committed"]
    assert (spent.batches, spent.receipts, spent.blobs, spent.l1_blob_gas) == (1, 4, 1, 2**17)
    assert spent.l1_gas > 50_000
    assert spent.l2_gas > 80_000
    assert spent.total_wei > spent.l1_gas_wei > 0

    flow.devnet.advance(7 * DAY + 2)
    assert run(batching).l2_gas > spent.l2_gas
    assert states(batching) == ["finalized"]
    assert [event.batch_id for event in events(flow, BatchFinalized)] == [committed.batch_id]
    assert flow.distributor.total_funded("latest") == 137


def test_a_second_run_finds_nothing_to_do(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(2, [Use(FIRST, 1)])
    before = run(batching)
    assert run(batching) == before
    assert len(of_lane(flow, 2)) == 1


def test_lanes_are_cut_by_number_and_committed_in_order(flow: OperatorFlow, batching: Batching) -> None:
    outbox = batching.outbox()
    for payer in PAYERS:
        outbox.authorize(payer, 10**7, flow.devnet.now() + 60 * DAY)
    outbox.issue(3, [Use((FIRST, SECOND)[n % 2], n) for n in range(25)])
    outbox.issue(4, [Use(SECOND, n, attribution=SET) for n in range(5)])
    run(batching, max_receipts=10)
    assert [(e.header.first_seq, e.header.count) for e in of_lane(flow, 3)] == [(0, 10), (10, 10), (20, 5)]
    assert [(e.header.first_seq, e.header.count, e.header.set_fe_count) for e in of_lane(flow, 4)] == [(0, 5, 1)]
    assert sum(e.header.total_fee_units for e in of_lane(flow, 3)) == sum(range(25))


def test_only_what_is_due_goes_out_unless_all_is_asked_for(flow: OperatorFlow, batching: Batching) -> None:
    outbox = batching.outbox()
    outbox.issue(5, [Use(FIRST, 1)] * 3)
    outbox.issue(6, [Use(FIRST, 1)], age_seconds=4000)
    outbox.issue(7, [Use(FIRST, 1)] * 12)
    run(batching, max_receipts=10, everything=False)
    assert [len(of_lane(flow, lane)) for lane in (5, 6, 7)] == [0, 1, 1]
    assert of_lane(flow, 7)[0].header.count == 10


def test_posts_share_a_deposit_when_they_may(flow: OperatorFlow, batching: Batching) -> None:
    outbox = batching.outbox()
    for lane in (8, 9, 10):
        outbox.issue(lane, [Use(FIRST, 2)])
    spent = run(batching, share_deposits=3)
    assert [len(of_lane(flow, lane)) for lane in (8, 9, 10)] == [1, 1, 1]
    relayed = [set(event.post_hashes) for event in events(flow, BlobsRelayed)]
    posts = {post_hash(of_lane(flow, lane)[0].versioned_hashes) for lane in (8, 9, 10)}
    assert set.union(*relayed) == posts
    assert spent.blobs == 3


@pytest.mark.parametrize(
    ("at_once", "lane", "fee", "cap"), [(100, 11, 10**7 + 1, 3 * 10**7), (1, 61, 2 * 10**7 + 1, 4 * 10**7)]
)
def test_a_spoilt_authorization_does_not_spoil_the_others(  # fixtures and cases
    flow: OperatorFlow,
    batching: Batching,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    lane: int,
    fee: int,
    cap: int,
) -> None:
    """Neither of those that are sent together with it, nor of those that wait behind it."""
    monkeypatch.setattr(authorizing, "_MOST_AT_ONCE", at_once)  # two payers would else always go together
    outbox = batching.outbox()
    until = flow.devnet.now() + 90 * DAY
    outbox.authorize(PAYERS[0], 2 * cap, until, signer=key_of("stranger"))
    outbox.authorize(PAYERS[1], cap, until)
    outbox.issue(lane, [Use(FIRST, fee), Use(SECOND, fee)])
    run(batching)
    caps = [(event.payer, event.cap_units) for event in events(flow, CapSet)]
    assert (SECOND, cap) in caps
    assert (FIRST, 2 * cap) not in caps
    assert len(of_lane(flow, lane)) == 1
    assert {event.payer for event in events(flow, Shortfall)} == {FIRST}


def test_a_receipt_that_is_not_what_was_signed_is_never_posted(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(12, [Use(FIRST, 5)] * 3)
    with psycopg.connect(batching.database_url, autocommit=True) as connection:
        connection.execute("UPDATE issued_receipts SET fee_units = 6 WHERE lane = 12 AND seq = 1")
    posts = len(events(flow, BlobsPosted))
    with pytest.raises(
        UsageError, match=r"Receipts 0 to 2 of lane 12 make no batch: Receipt 1 .* is not what was signed"
    ):
        run(batching)
    assert states(batching) == ["faulted"]
    assert len(events(flow, BlobsPosted)) == posts


def test_a_bond_that_is_too_small_stops_the_commit_until_it_grows(flow: OperatorFlow, batching: Batching) -> None:
    free = flow.operators.free_bond(flow.operator.address, "latest")
    flow.send(flow.operators.request_withdrawal(free))
    batching.outbox().issue(13, [Use(FIRST, 5)])
    with pytest.raises(ContractRevertedError, match="OperatorsBondTooSmall") as stopped:
        run(batching)
    assert stopped.value.operands["free"] == 0
    posts = len(events(flow, BlobsPosted))
    assert states(batching) == ["attested"]
    flow.send(flow.operators.cancel_withdrawal())
    run(batching)
    assert states(batching) == ["committed"]
    assert len(events(flow, BlobsPosted)) == posts


def test_a_second_batcher_of_the_operator_is_refused(flow: OperatorFlow, batching: Batching) -> None:
    settings = batching.settings()
    with (
        batching.parts(settings),
        pytest.raises(LaneFencedError, match="Another batcher of operator 0x"),
        batching.parts(settings),
    ):
        pass
