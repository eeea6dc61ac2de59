"""Several lanes and several operators: nobody waits for another, and what will stop a batch is told early."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from batcher import selecting
from batcher.alarms import Alarms
from batcher.jobs import uncommitted_jobs
from batcher.outbox import WaitingReceipt, waiting_run
from batcher.parts import look
from batcher.running import drain
from batcher.selecting import Selection
from batcher.worker import Worker
from ledger.chain.events.blob_inbox import BlobsPosted, BlobsRelayed
from ledger.chain.events.receipt_ledger import BatchCommitted
from ledger.chain.sender import Sender
from ledger.errors import UsageError
from ledger.protocol.signature import address_of
from tests.factories.batcher_world import BOND, PAYERS, Batching, events, still
from tests.factories.operator_flow import OperatorFlow, key_of
from tests.factories.outbox import Outbox, Use, mining

pytestmark = pytest.mark.chain

FIRST = address_of(PAYERS[0])
HOUR = 3600
JOBS = "SELECT lane, first_seq, state FROM batch_jobs ORDER BY lane, first_seq"


def committed(flow: OperatorFlow, lane: int) -> list[int]:
    """First seqs of the lane's batches, in the order of their commits."""
    return [event.header.first_seq for event in events(flow, BatchCommitted) if event.lane == lane]


def test_the_backlog_of_a_lane_keeps_no_other_lane_waiting(flow: OperatorFlow, batching: Batching) -> None:
    outbox = batching.outbox()
    outbox.issue(1, [Use(FIRST, 0)] * 5)
    outbox.issue(2, [Use(FIRST, 0)])
    settings = batching.settings(max_receipts=1, max_open_jobs=2)
    with batching.parts(settings) as parts:
        worker = Worker(parts)
        worker.run_pass(everything=True)
        assert [(lane, seq) for lane, seq, _ in batching.query(JOBS)] == [(1, 0), (2, 0)]
        outbox.issue(3, [Use(FIRST, 0)])
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert committed(flow, 1) == [0, 1, 2, 3, 4]
    order = [event.lane for event in events(flow, BatchCommitted) if event.lane in (1, 2, 3)]
    assert order.index(3) < len(order) - 2, "lane 3 did not wait for the end of lane 1"


def test_behind_a_faulted_batch_nothing_is_posted_and_other_lanes_go_on(flow: OperatorFlow, batching: Batching) -> None:
    outbox = batching.outbox()
    outbox.issue(11, [Use(FIRST, 0)] * 4)
    outbox.issue(12, [Use(FIRST, 0)])
    with psycopg.connect(batching.database_url, autocommit=True) as connection:
        connection.execute("UPDATE issued_receipts SET fee_units = 6 WHERE lane = 11 AND seq = 1")
    posts = len(events(flow, BlobsPosted))
    settings = batching.settings(max_receipts=2)
    for _ in range(2):
        with mining(flow.devnet), pytest.raises(UsageError, match="Receipts 0 to 1 of lane 11 make no batch"):
            batching.run(settings)
        outbox.issue(11, [Use(FIRST, 0)] * 2)
    assert batching.query(JOBS)[0] == (11, 0, "faulted")
    assert not committed(flow, 11)
    assert committed(flow, 12) == [0]
    assert len(events(flow, BlobsPosted)) == posts + 1


def test_batches_are_encoded_and_sent_while_earlier_ones_wait_for_their_block(
    flow: OperatorFlow, batching: Batching
) -> None:
    batching.outbox().issue(21, [Use(FIRST, 0)] * 3)
    sent = "SELECT nonce FROM batch_transactions WHERE purpose = 'post' AND outcome IS NULL ORDER BY nonce"
    with still(flow.devnet.l1_clock), batching.parts(batching.settings(max_receipts=1, share_deposits=3)) as parts:
        worker = Worker(parts)
        for _ in range(200):
            worker.run_pass(everything=True)
            if len(batching.query(sent)) == 3:
                break
            worker.wait()
        nonces = [nonce for (nonce,) in batching.query(sent)]
        assert nonces == list(range(nonces[0], nonces[0] + 3)), "all are on their way before the first block"
        with mining(flow.devnet):
            drain(parts, everything=True)
    assert committed(flow, 21) == [0, 1, 2]
    assert [len(event.post_hashes) for event in events(flow, BlobsRelayed)] == [3]


def test_only_a_number_that_is_missing_is_told_as_a_gap(
    flow: OperatorFlow, batching: Batching, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = batching.outbox()
    outbox.issue(24, [])  # the lane, in which nothing waits yet
    outbox.issued[25] = 2
    outbox.issue(25, [Use(FIRST, 0)])

    def read_too_early(session: Session, operator: bytes, lane: int, *rest: int) -> list[WaitingReceipt]:
        found = waiting_run(session, operator, lane, *rest)
        if lane == 24 and not outbox.issued[24]:
            outbox.issue(24, [Use(FIRST, 0)])
        return found

    # The reading is the real one; that a receipt comes in right behind it is left to no chance.
    monkeypatch.setattr(selecting, "waiting_run", read_too_early)
    with batching.parts() as parts, capture_logs() as told:
        assert Selection(parts).select_due(look(parts), [], everything=False) == []
    gaps = [line for line in told if line["event"] == "outbox_gap"]
    assert [(line["lane"], line["expected_seq"], line["found_seq"]) for line in gaps] == [(25, 0, 2)]


def test_two_operators_batch_side_by_side_over_one_database(flow: OperatorFlow, batching: Batching) -> None:
    second = Sender(flow.l2, key_of("second operator"))
    flow.devnet.l1.call("anvil_setBalance", "0x" + second.address.hex(), hex(10**20))
    flow.devnet.l2.call("anvil_setBalance", "0x" + second.address.hex(), hex(10**20))
    flow.fund(second.address, flow.operators.address, BOND, second)
    flow.send(flow.operators.deposit_bond(second.address, BOND), second)
    batching.outbox().issue(31, [Use(FIRST, 0)] * 3)
    other = Outbox(batching.database_url, flow.deployment, second.address, flow.lane_key, flow.devnet.now())
    other.issue(31, [Use(FIRST, 0)] * 2)
    key = "0x" + key_of("second operator").to_hex()
    with mining(flow.devnet), ThreadPoolExecutor(2) as threads:
        runs = [
            threads.submit(batching.run, batching.settings()),
            threads.submit(batching.run, batching.settings(operator_key=key)),
        ]
        for run in runs:
            run.result()
    made = {event.operator: event.header.count for event in events(flow, BatchCommitted) if event.lane == 31}
    assert made == {flow.operator.address: 3, second.address: 2}


def test_alarms_tell_of_ether_bond_and_deadlines_that_run_short(flow: OperatorFlow, batching: Batching) -> None:
    batching.outbox().issue(41, [Use(FIRST, 0)])
    with batching.parts() as parts:
        assert Alarms(parts).look(look(parts), []) == []
    free = flow.operators.free_bond(flow.operator.address, "latest")
    flow.send(flow.operators.request_withdrawal(free))
    settings = batching.settings(low_l1_balance_wei=10**30, low_l2_balance_wei=10**30)
    with still(flow.devnet.l1_clock), batching.parts(settings) as parts:
        batching.passes_until(parts, "encoded")
        flow.devnet.advance(19 * HOUR)
        with parts.database.transaction() as session:
            jobs = uncommitted_jobs(session, flow.deployment, flow.operator.address)
        alarms = Alarms(parts)
        assert alarms.look(look(parts), jobs) == ["L1 balance", "L2 balance", "bond", "deadline"]
        assert alarms.look(look(parts), jobs) == [], "told once a minute"
    flow.send(flow.operators.cancel_withdrawal())
    with mining(flow.devnet):
        batching.run()
    assert committed(flow, 41) == [0]
