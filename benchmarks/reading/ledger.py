"""An index of so many receipts, written by SQL: a year of full batches, 500 assets, 1e4 contributors, 1,000 payers.

Only one blob is real, named by every batch: proofs are timed on it, not verified.
"""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from indexer.verification.store import _ensure_partition  # the writer's own way of making one
from ledger.archive import BlobArchive
from ledger.db.session import connect, open_engine
from ledger.protocol.blob.kzg import kzg_commitment, versioned_hash
from ledger.protocol.distribution import DistributionTree
from ledger.protocol.entitlement import ProtocolShare
from settlement.entitlements import by_sql
from settlement.proposal import propose
from settlement.records import store_proposal
from settlement.scope import Scope, ThroughBlock

FULL_RECEIPTS, QUICK_RECEIPTS = 10_000_000, 100_000
CONTRIBUTORS, ASSETS, PAYERS = 10_000, 500, 1_000
RECEIPTS_A_BATCH, SUMS_A_BATCH, PAYERS_A_BATCH = 12_280, 20, 10
LAST_SECOND, YEAR = 1_795_000_000, 365 * 86_400
THROUGH = ThroughBlock(900_000, b"\x0b" * 32)
RARE_ASSET = ASSETS + 1
"""Used in one batch only, so that its contributor's explain file carries whole blobs."""
_EACH = CONTRIBUTORS // ASSETS


def address(kind: str, number: str) -> str:
    """SQL of a made-up address."""
    return f"substring(sha256(convert_to('{kind}' || {number}, 'UTF8')) FROM 1 FOR 20)"


def fill(url: str, archive: Path, receipts: int) -> dict[str, list[str]]:
    """Write the index; what to ask for, by the name of a path's parameter."""
    batches = max(2, receipts // RECEIPTS_A_BATCH)
    values = _values(archive, batches)
    with connect(url, application_name="benchmark") as connection:
        for statement in _STATEMENTS:
            connection.execute(statement.format_map(values))
        with connection.cursor() as cursor:
            for batch_id in range(1, batches + 1):
                _ensure_partition(cursor, batch_id)
        for first in range(1, batches + 1, 50):
            span = {"first": first, "last": min(batches, first + 49)}
            connection.execute(_RECEIPTS.format_map(values | span))
            connection.commit()
    _settle(url)
    with connect(url, application_name="benchmark", autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        return _known(connection, batches)


def _values(archive: Path, batches: int) -> dict[str, Any]:
    blob = bytes(131_072)
    named = versioned_hash(kzg_commitment(blob))
    BlobArchive(archive).put(named, blob)
    return {
        "batches": batches, "assets": ASSETS, "rare": RARE_ASSET, "each": _EACH, "sums": SUMS_A_BATCH,
        "payers_a_batch": PAYERS_A_BATCH, "payers": PAYERS, "receipts": RECEIPTS_A_BATCH, "blob": named.hex(),
        "last": LAST_SECOND, "step": YEAR // (batches + 1), "contributors": CONTRIBUTORS,
        "contributor": address("contributor", "n"), "operator": address("operator", "'1'"),
        "payer": address("payer", "p % {payers}").format(payers=PAYERS),
        "batch_payer": address("payer", "(b * 7 + i * {each} / {n}) % {payers}").format(
            each=PAYERS_A_BATCH, n=RECEIPTS_A_BATCH, payers=PAYERS
        ),
        "charge_payer": address("payer", f"(b * 7 + p) % {PAYERS}"),
        "deployment": _deployment(),
    }  # fmt: skip


def _deployment() -> str:
    names = ("token", "registry", "operators", "escrow", "ledger", "distributor")
    pairs = ", ".join(f"'{name}', '0x{bytes([0xD0 + n]).hex() * 20}'" for n, name in enumerate(names))
    return (
        f"jsonb_build_object('l1', jsonb_build_object('chainId', 900, 'blobInbox', '0x{'df' * 20}'), "
        f"'l2', jsonb_build_object('chainId', 901, {pairs}), 'protocolPpm', 10000, 'protocolPayee', '0x{'ee' * 20}', "
        f"'attesters', jsonb_build_array('0x{'a7' * 20}'), 'quorum', 1, 'tokenDecimals', 6)"
    )


_STATEMENTS = (
    """
    INSERT INTO deployments (l2_chain_id, l1_chain_id, document, deployment_hash)
    SELECT 901, 900, {deployment}, sha256('deployment')
    """,
    """
    INSERT INTO heads (chain_id, tag, number, hash, timestamp)
    SELECT c, t.tag, 1000000 - t.behind, sha256(convert_to(t.tag, 'UTF8')), {last} - t.behind * 2
    FROM unnest(ARRAY[900, 901]) c, (VALUES ('latest', 0), ('safe', 300), ('finalized', 900)) t(tag, behind)
    """,
    """
    INSERT INTO cursors (chain_id, number, hash, deployment_hash, reorgs, deepest_reorg_blocks)
    SELECT c, 1000000, sha256('latest'), sha256('deployment'), 0, 0 FROM unnest(ARRAY[900, 901]) c
    """,
    """
    INSERT INTO events (chain_id, block_number, block_hash, log_index, timestamp, tx_hash, address, name, args)
    SELECT 901, n, sha256(int8send(n)), 0, {last} - {step} * {batches}, sha256(int8send(n)), substring(sha256('a') FROM 1 FOR 20), 'Made', '{{}}'
    FROM generate_series(CAST(1 AS bigint), {contributors} + {assets} + 2) n
    """,
    """
    INSERT INTO assets (asset_id, kind, content_hash, registrant, uri, chain_id, block_number, block_hash, log_index)
    SELECT a, 'adapter', sha256(convert_to('asset' || a, 'UTF8')), {operator}, 'made', 901, a, sha256(int8send(a)), 0
    FROM generate_series(CAST(1 AS bigint), {assets} + 1) a
    """,
    """
    INSERT INTO asset_owners (asset_id, owner, chain_id, block_number, block_hash, log_index)
    SELECT asset_id, registrant, chain_id, block_number, block_hash, log_index FROM assets
    """,
    """
    INSERT INTO terms (asset_id, version, effective_at, royalty_ppm, data_ppm, min_child_ppm, floor_input_price_units,
        floor_output_price_units, mode, chain_id, block_number, block_hash, log_index)
    SELECT asset_id, 1, 0, 200000, 0, 0, 0, 0, 'fixed', chain_id, block_number, block_hash, log_index FROM assets
    """,
    """
    INSERT INTO effective_shares (asset_id, version, position, payee, share, chain_id, block_number, block_hash, log_index)
    SELECT 1 + n / {each}, 1, n % {each}, {contributor}, 1000000000000 / {each}, 901, 1 + n / {each},
           sha256(int8send(1 + n / {each})), 0
    FROM generate_series(CAST(0 AS bigint), {contributors} + {each} - 1) n
    """,
    """
    INSERT INTO prices (chain_id, block_number, block_hash, log_index, operator, asset_id, input_price_units,
        output_price_units, effective_at)
    SELECT 901, asset_id, block_hash, 1, {operator}, asset_id, 1000, 3000, 0 FROM assets
    """,
    """
    INSERT INTO batches (batch_id, fill, tx_hash, operator, lane, first_seq, count, payer_count, set_fe_count,
        total_fee_units, blob_count, base_time, attribution_method, attribution_params_hash, batch_commitment, post_hash,
        versioned_hashes, reserve_units, committed_at, first_committed_at, terms_from, attested_at, verdict,
        finalized_block_number, finalized_block_hash, finalized_log_index, finalized_at, chain_id, block_number, block_hash,
        log_index)
    SELECT b, 0, sha256(int8send(b)), {operator}, 0, b * 100000, {receipts}, {payers_a_batch}, 0, {receipts} * 1000, 6, t,
           sha256(''), sha256(''), sha256(int8send(b)), sha256(int8send(b)),
           array_fill(decode('{blob}', 'hex'), ARRAY[6]), 0, t, t, t - 86400, t, 'valid',
           CASE WHEN b <= {batches} - {batches} / 52 THEN 1000 + b END,
           CASE WHEN b <= {batches} - {batches} / 52 THEN sha256('f') END,
           CASE WHEN b <= {batches} - {batches} / 52 THEN CAST(b AS integer) END,
           CASE WHEN b <= {batches} - {batches} / 52 THEN t + 700000 END, 901, b, sha256(int8send(b)), 5
    FROM generate_series(CAST(1 AS bigint), {batches}) b, LATERAL (SELECT {last} - {step} * ({batches} + 1 - b) AS t) at
    """,
    """
    INSERT INTO events (chain_id, block_number, block_hash, log_index, timestamp, tx_hash, address, name, args)
    SELECT chain_id, finalized_block_number, finalized_block_hash, finalized_log_index, finalized_at,
           sha256(convert_to('f' || batch_id, 'UTF8')), operator, 'BatchFinalized', '{{}}'
    FROM batches WHERE finalized_block_number IS NOT NULL
    """,
    """
    INSERT INTO posts (chain_id, block_number, block_hash, log_index, post_hash, poster, l1_time, versioned_hashes, tx_hash)
    SELECT 900, batch_id, sha256(convert_to('l1' || batch_id, 'UTF8')), 0, post_hash, operator, committed_at, versioned_hashes,
           sha256(convert_to('p' || batch_id, 'UTF8'))
    FROM batches
    """,
    """
    INSERT INTO transaction_costs (chain_id, block_number, block_hash, log_index, tx_hash, purpose, gas_used,
        gas_price_wei, blob_gas_used, blob_gas_price_wei, l1_fee_wei, attempts, next_attempt_at)
    SELECT chain_id, block_number, block_hash, log_index, tx_hash, purpose, 100000, 1000000000, blob_gas, 1, 0, 1, 0 FROM (
        SELECT chain_id, block_number, block_hash, log_index, tx_hash, 'post' AS purpose, 786432 AS blob_gas FROM posts
        UNION ALL SELECT chain_id, block_number, block_hash, log_index, tx_hash, 'commit', 0 FROM batches
        UNION ALL SELECT chain_id, block_number, block_hash, log_index, tx_hash, 'finalize', 0 FROM events
        WHERE name = 'BatchFinalized'
    ) told
    """,
    """
    INSERT INTO batch_sums (batch_id, fill, asset_id, asset_version, dataset_id, dataset_version, weighted_fee_units, receipts)
    SELECT b, 0, CASE WHEN b = 1 AND k = 0 THEN {rare} ELSE 1 + (b * {sums} + k) % {assets} END, 1, 0, 0,
           CAST({receipts} / {sums} * 1000 AS numeric) * 1000000, {receipts} / {sums}
    FROM generate_series(CAST(1 AS bigint), {batches}) b, generate_series(CAST(0 AS bigint), {sums} - 1) k
    """,
    """
    INSERT INTO charges (batch_id, fill, position, payer, amount_units, chain_id, block_number, block_hash, log_index)
    SELECT b, 0, p, {charge_payer}, {receipts} / {payers_a_batch} * 1000, 901, b, sha256(int8send(b)), 5
    FROM generate_series(CAST(1 AS bigint), {batches}) b, generate_series(0, {payers_a_batch} - 1) p
    """,
    """
    INSERT INTO movements (chain_id, block_number, block_hash, log_index, ordinal, bucket, holder, counterparty, contract,
        batch_id, amount_units)
    SELECT 901, b, sha256(int8send(b)), 5, o, (ARRAY['payer_deposits_in', 'custody'])[o + 1], {charge_payer}, {operator},
           substring(sha256('c') FROM 1 FOR 20), b, {receipts} * 1000 * (2 * o - 1)
    FROM generate_series(CAST(1 AS bigint), {batches}) b, generate_series(0, 1) o, LATERAL (SELECT o AS p) payer
    """,
    """
    INSERT INTO claims (chain_id, block_number, block_hash, log_index, payee, recipient, root_index, amount_units,
        cumulative_units, tx_hash)
    SELECT 901, n + 1, sha256(int8send(n + 1)), 0, {contributor}, {contributor}, 1, 1, 1, sha256(int8send(n))
    FROM generate_series(CAST(0 AS bigint), {contributors} - 1) n
    """,
)

_RECEIPTS = """
    INSERT INTO receipts (batch_id, fill, position, seq, digest31, payer, asset_id, asset_version, set_position, fee_units,
        cumulative_fee_units, input_units, output_units, started_at)
    SELECT b, 0, i, b * 100000 + i, substring(sha256(int8send(b * 100000 + i)) FROM 1 FOR 31), {batch_payer},
           CASE WHEN b = 1 AND i % {sums} = 0 THEN {rare} ELSE 1 + (b * {sums} + i % {sums}) % {assets} END,
           1, 0, 1000, (i + 1) * 1000, 300, 200, t - 3600 + i % 3600
    FROM generate_series(CAST({first} AS bigint), {last}) b, generate_series(0, {receipts} - 1) i,
         LATERAL (SELECT committed_at AS t FROM batches WHERE batch_id = b) at
    ORDER BY b, i
"""
"""In the order in which the indexer writes them: where a row lies decides how much a page of a batch reads."""


def _settle(url: str) -> None:
    """A distribution that stands and is active, with its tree and file."""
    scope = Scope(901, b"\xd5" * 20, b"\xd0" * 20, ProtocolShare(b"\xee" * 20, 10_000))
    engine = open_engine(url)
    with Session(engine) as session:
        proposal = propose(scope, 1, THROUGH, by_sql(session, THROUGH.number, scope.protocol))
        store_proposal(session, proposal)
        session.commit()
    engine.dispose()
    assert isinstance(proposal.tree, DistributionTree)
    with connect(url, application_name="benchmark") as connection:
        connection.execute(
            "INSERT INTO distribution_roots (root_index, root, total_cumulative_units, through_l2_block, "
            "through_l2_block_hash, data_hash, activates_at, attesters, tx_hash, chain_id, block_number, block_hash, log_index) "
            "SELECT d.root_index, d.root, d.total_cumulative_units, d.through_l2_block, d.through_l2_block_hash, d.data_hash, 0, "
            "ARRAY[]::bytea[], sha256('t'), 901, 1, sha256(int8send(1)), 0 FROM distributions d"
        )


def _known(connection: Any, batches: int) -> dict[str, list[str]]:
    """Values of each path's parameter, spread over what there is."""

    def column(query: str) -> list[str]:
        return [str(row[0]) for row in connection.execute(query)]

    def texts(table: str, name: str) -> list[str]:
        return column(f"SELECT '0x' || encode({name}, 'hex') FROM {table} ORDER BY md5(CAST({name} AS text)) LIMIT 200")

    middle = batches // 2
    return {
        "payee": texts(
            "(SELECT payee FROM effective_shares WHERE asset_id IN (SELECT asset_id FROM batch_sums)) e", "payee"
        ),
        "payer": texts("(SELECT DISTINCT payer FROM charges) c", "payer"),
        "operator": texts("(SELECT DISTINCT operator FROM batches) b", "operator"),
        "batch_id": [str(batch_id) for batch_id in range(1, min(batches, 200) + 1)],
        "asset_id": [str(asset_id) for asset_id in range(1, 201)],
        "digest": texts(f"(SELECT digest31 FROM receipts WHERE batch_id = {middle} LIMIT 500) r", "digest31"),
        "root_index": ["1"],
        "versioned_hash": column(
            "SELECT '0x' || encode(versioned_hash, 'hex') FROM (SELECT versioned_hashes[1] AS versioned_hash FROM batches LIMIT 1) b"
        ),
        "rare_payee": column(
            f"SELECT '0x' || encode(payee, 'hex') FROM effective_shares WHERE asset_id = {RARE_ASSET} LIMIT 1"
        ),
        "charge": column(
            "SELECT '0x' || encode(payer, 'hex') || '/charges/' || batch_id FROM charges ORDER BY md5(CAST(batch_id AS text)) LIMIT 200"
        ),
    }
