"""An index that owes many payees, and one settlement of it, in a process of its own so that its memory is its own.

`python -m benchmarks.measuring.owed DATABASE_URL PAYEES` settles what `fill` wrote and prints its figures as JSON.
"""

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import Session

from ledger.db.session import connect, open_engine
from ledger.protocol.distribution import proof_at
from ledger.protocol.entitlement import ProtocolShare
from settlement.entitlements import by_rule, by_sql
from settlement.proposal import Proposal, propose
from settlement.records import choose_claims, store_proposal
from settlement.scope import Scope, ThroughBlock

PAYEES_AN_ASSET = 50
BATCHES = 1_000
RECEIPTS_A_BATCH = 12_286
THROUGH = ThroughBlock(1_000, b"\x0b" * 32)
SCOPE = Scope(901, b"\xd1" * 20, b"\x70" * 20, ProtocolShare(b"\xee" * 20, 10_000))
PAYEE = "substring(sha256(int8send(n)) FROM 1 FOR 20)"

_PLACE = "901, 1, sha256('block'), 0"
_FILL = (
    """
    INSERT INTO terms (asset_id, version, effective_at, royalty_ppm, data_ppm, min_child_ppm, floor_input_price_units,
        floor_output_price_units, mode, chain_id, block_number, block_hash, log_index)
    SELECT a, 1, 0, 200000, 0, 0, 0, 0, 'fixed', {place} FROM generate_series(1, {assets}) a
    """,
    """
    INSERT INTO effective_shares (asset_id, version, position, payee, share, chain_id, block_number, block_hash, log_index)
    SELECT 1 + n / {each}, 1, n % {each}, {payee}, 1000000000000 / {each}, {place}
    FROM generate_series(CAST(0 AS bigint), {payees} - 1) n
    """,
    """
    INSERT INTO batches (batch_id, fill, tx_hash, operator, lane, first_seq, count, payer_count, set_fe_count,
        total_fee_units, blob_count, base_time, attribution_method, attribution_params_hash, batch_commitment, post_hash,
        versioned_hashes, reserve_units, committed_at, first_committed_at, terms_from, attested_at, verdict, finalized_block_number,
        finalized_block_hash, finalized_log_index, finalized_at, chain_id, block_number, block_hash, log_index)
    SELECT b, 0, sha256(int8send(b)), substring(sha256('operator') FROM 1 FOR 20), 0, b * 100000, {receipts}, 1, 0,
        {sums} * 1000003, 6, 0, sha256(''), sha256(''), sha256(''), sha256(''), ARRAY[]::bytea[], 0, 0, 0, 0, 0, 'valid',
        1 + b % 1000, sha256('block'), b, 0, 901, 1, sha256('block'), b
    FROM generate_series(CAST(1 AS bigint), {batches}) b
    """,
    """
    INSERT INTO batch_sums (batch_id, fill, asset_id, asset_version, dataset_id, dataset_version, weighted_fee_units,
        receipts)
    SELECT b, 0, 1 + (b * {sums} + k) % {assets}, 1, 0, 0, CAST(1000003 AS numeric) * 1000000, {receipts} / {sums}
    FROM generate_series(CAST(1 AS bigint), {batches}) b, generate_series(CAST(0 AS bigint), {sums} - 1) k
    """,
    "ANALYZE",
)


def fill(url: str, payees: int) -> None:
    """The indexer's rows of a thousand full batches that owe so many payees, fifty to an asset."""
    assets = payees // PAYEES_AN_ASSET
    values = {
        "payees": payees, "assets": assets, "each": PAYEES_AN_ASSET, "batches": BATCHES, "receipts": RECEIPTS_A_BATCH,
        "sums": max(20, assets // BATCHES), "place": _PLACE, "payee": PAYEE,
    }  # fmt: skip
    with connect(url, application_name="benchmark") as connection:
        for statement in _FILL:
            connection.execute(statement.format_map(values))


class Clock:
    """Seconds by name, and as `<name>_cpu` those in which this process computed."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        began, computed = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = time.perf_counter() - began
        self.seconds[f"{name}_cpu"] = time.process_time() - computed


def settle(url: str, payees: int) -> dict[str, float]:
    """Seconds of each step of one settlement, its bytes, and this process's peak memory."""
    clock, engine = Clock(), open_engine(url)
    with Session(engine) as session:
        with clock.timing("compute"):
            entitlements = by_sql(session, THROUGH.number, SCOPE.protocol)
        with clock.timing("tree_and_file"):
            proposal = propose(SCOPE, 1, THROUGH, entitlements)
        with clock.timing("proofs"):
            made = sum(len(proof_at(proposal.tree.nodes, place)) for place in proposal.tree.positions)
        with clock.timing("store"):
            distribution_id = store_proposal(session, proposal)
            session.commit()
        with clock.timing("choose"):
            chosen = choose_claims(session, distribution_id, 1, 100)
            session.commit()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with clock.timing("attester"):
            attested = attest(session)
    engine.dispose()
    if not payees <= len(entitlements.lines) == chosen == len(proposal.tree.payouts) or attested != proposal.content:
        raise AssertionError("the settlement is not what the index owes")
    return clock.seconds | {"peak_mib": peak / 1024, "file_bytes": len(proposal.content), "proof_nodes": made}


def attest(session: Session) -> bytes:
    """The file as an attester makes it, by the protocol's rule."""
    proposal: Proposal = propose(SCOPE, 1, THROUGH, by_rule(session, THROUGH.number, SCOPE.protocol))
    return proposal.content


def receipts_counted(url: str) -> int:
    """Receipts behind the entitlements."""
    engine = open_engine(url)
    with engine.connect() as connection:
        counted = connection.execute(text("SELECT sum(count) FROM batches")).scalar_one()
    engine.dispose()
    return int(counted)


if __name__ == "__main__":
    print(json.dumps(settle(sys.argv[1], int(sys.argv[2]))))
