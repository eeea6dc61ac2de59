"""What must hold at the end, read from where no part of the system can change it: answers, chains and blobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from typer.testing import CliRunner

from audit.command import app as audit_command
from ledger.chain.beacon import BeaconClient
from ledger.chain.blocks import block_at
from ledger.chain.events.blob_inbox import BlobsPosted
from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized
from ledger.chain.logs import LogDecoder, fetch_logs
from ledger.protocol.batch import post_hash
from ledger.protocol.blob.decode import decode
from ledger.protocol.hexadecimal import from_hex
from ledger.protocol.receipt import Receipt
from ledger.protocol.signature import address_of, recover
from ledger.protocol.stripping import salted_hash, strip_json, strip_stream
from ledger.receipt_files import keep_receipt
from serving.inference.idempotency import request_id
from tests.e2e.chaos.replay import Outcome
from tests.e2e.chaos.world import LANE, ChaosWorld
from tests.factories.batcher_world import events
from tests.factories.operator_flow import OperatorFlow
from tests.factories.serving_world import lane_key


@dataclass(frozen=True, slots=True)
class Posted:
    """A receipt in a finalised batch, as its blobs have it."""

    seq: int
    digest: bytes
    fee_units: int


def finalised_receipts(flow: OperatorFlow) -> Iterator[Posted]:
    """Every receipt of every finalised batch, out of the blobs that L1 has."""
    inbox = flow.deployment.l1.blob_inbox
    head = block_at(flow.l1, "latest").number
    logs = fetch_logs(flow.l1, flow.deployment.l1.deployed_at_block, head, [inbox])
    posts = {
        log.event.post_hash: block_at(flow.l1, log.block_number)
        for log in LogDecoder({inbox: "BlobInbox"}).decode_known(logs)
        if isinstance(log.event, BlobsPosted)
    }
    finalised = {event.batch_id for event in events(flow, BatchFinalized)}
    committed = events(flow, BatchCommitted)
    assert {batch.batch_id for batch in committed} == finalised
    with closing(BeaconClient([flow.devnet.beacon_url])) as beacon:
        for batch in committed:
            block = posts[post_hash(batch.versioned_hashes)]
            columns = decode(beacon.blobs(block, batch.versioned_hashes))
            for offset, digest, fee in zip(columns.seq_offset, columns.digests, columns.fee_units, strict=True):
                yield Posted(batch.header.first_seq + int(offset), digest.tobytes(), int(fee))


def check_answer(world: ChaosWorld, outcome: Outcome) -> Receipt:
    """The receipt of an answer, which is for what was asked and for what came."""
    assert outcome.answered, (outcome.ask, outcome.refused)
    envelope = outcome.envelope or _fetched(world, outcome)
    receipt, salt = Receipt.from_json(envelope["receipt"]), from_hex(envelope["salt"], 32)
    strip = strip_stream if outcome.ask.stream else strip_json
    produced, _ = strip(outcome.answer)
    assert receipt.request_hash == salted_hash(salt, outcome.ask.body)
    assert receipt.response_hash == salted_hash(salt, produced)
    digest = receipt.digest(world.serving.flow.deployment.receipt_domain)
    assert recover(digest, from_hex(envelope["signature"], 65)) == address_of(lane_key(LANE))
    assert receipt.output_units > 0
    keep_receipt(world.kept, envelope)
    return receipt


def _fetched(world: ChaosWorld, outcome: Outcome) -> dict[str, Any]:
    """The envelope of an answer that left while PostgreSQL was away."""
    known = request_id(address_of(world.payers[outcome.ask.payer]), outcome.keys[-1])
    headers = {"authorization": f"Bearer {world.keys[outcome.ask.payer]}"}
    found = httpx.get(f"{world.gateway_url}/v1/receipts/{known}", headers=headers, trust_env=False, timeout=30.0)
    assert found.status_code == httpx.codes.OK, found.text
    return dict(found.json())


def check_once(world: ChaosWorld, outcomes: Sequence[Outcome]) -> None:
    """One receipt for each answer, in one finalised batch; no request has two, no number is missing."""
    posted = list(finalised_receipts(world.serving.flow))
    times = Counter(one.digest for one in posted)
    assert set(times.values()) == {1}
    assert sorted(one.seq for one in posted) == list(range(len(posted)))
    domain = world.serving.flow.deployment.receipt_domain
    receipts = [check_answer(world, outcome) for outcome in outcomes]
    assert len({receipt.seq for receipt in receipts}) == len(receipts)
    by_seq = {one.seq: one for one in posted}
    for receipt in receipts:
        assert by_seq[receipt.seq].digest == receipt.digest(domain)[:31]
        assert by_seq[receipt.seq].fee_units == receipt.fee_units
    check_journal(world, outcomes, posted)


def check_journal(world: ChaosWorld, outcomes: Sequence[Outcome], posted: Sequence[Posted]) -> None:
    """What was issued is what was posted; each id that a client used has one receipt at most; nothing is held."""
    asked = [request_id(address_of(world.payers[o.ask.payer]), key) for o in outcomes for key in o.keys]
    assert len(set(asked)) == len(asked)
    with psycopg.connect(world.database_url) as connection:
        issued = connection.execute("SELECT request_id, seq, fee_units FROM issued_receipts").fetchall()
        assert connection.execute("SELECT count(*) FROM intents").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM spend_accounts WHERE held_units <> 0").fetchone() == (0,)
    assert sorted((seq, int(fee)) for _, seq, fee in issued) == sorted((one.seq, one.fee_units) for one in posted)
    assert len({request for request, _, _ in issued}) == len(issued)
    assert {request for request, _, _ in issued} <= set(asked)


def check_audit(world: ChaosWorld) -> None:
    """The audit rebuilds everything from the chains, and finds every receipt that the clients kept."""
    devnet = world.serving.flow.devnet
    words = [
        "--l1-rpc-url", devnet.l1_url, "--l2-rpc-url", devnet.l2_url, "--beacon-url", devnet.beacon_url,
        "--deployments", str(world.serving.flow_folder), "--receipts", str(world.kept),
    ]  # fmt: skip
    result = CliRunner().invoke(audit_command, words)
    assert result.exit_code == 0, result.output
    assert "0 differences" in result.output
