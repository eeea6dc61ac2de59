"""Every index of the indexer's tables serves a query that is named here, and PostgreSQL uses it for that query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest
from psycopg import sql

from indexer.tables import owned_tables

pytestmark = pytest.mark.postgres

ROWS = 4_000

QUERIES: Final = {
    # whose assets, and whose contributor lists
    "ix_assets_registrant": "SELECT asset_id FROM assets WHERE registrant = {bytes}",
    "uq_assets_content_hash": "SELECT asset_id FROM assets WHERE content_hash = {bytes}",
    "ix_asset_owners_owner": "SELECT asset_id FROM asset_owners WHERE owner = {bytes}",
    "ix_contributor_lists_publisher": "SELECT list_id FROM contributor_lists WHERE publisher = {bytes}",
    "uq_contributor_lists_payee": "SELECT list_id FROM contributor_lists WHERE payee = {bytes}",
    "uq_contributors_contributor_list_id": "SELECT list_id FROM contributors WHERE contributor = {bytes}",
    # the version of terms in force at a time
    "ix_terms_asset_id_effective_at": "SELECT version FROM terms WHERE asset_id = 7 AND effective_at <= 9",
    # from what an address earns; which assets pay a parent or admit a dataset
    "ix_splits_payee": "SELECT asset_id FROM splits WHERE payee = {bytes}",
    "ix_effective_shares_payee": "SELECT asset_id, version FROM effective_shares WHERE payee = {bytes}",
    "ix_parents_parent_asset_id": "SELECT asset_id FROM parents WHERE parent_asset_id = 7",
    "ix_admitted_datasets_dataset_id": "SELECT asset_id FROM admitted_datasets WHERE dataset_id = 7",
    # an operator's price at a time, and whether a key was active
    "ix_prices_operator_asset_id_effective_at": "SELECT input_price_units FROM prices WHERE operator = {bytes}",
    "ix_lane_keys_operator_lane_key": "SELECT added_at FROM lane_keys WHERE operator = {bytes} AND lane = 7",
    # batches: the one that holds a seq; finalised up to a block; to be judged; of a post
    "ix_batches_operator_lane_first_seq":
        "SELECT batch_id FROM batches WHERE operator = {bytes} AND lane = 7 AND first_seq <= 9 ORDER BY first_seq DESC LIMIT 1",
    "ix_batches_operator_first_committed_at":
        "SELECT first_committed_at FROM batches WHERE operator = {bytes} ORDER BY first_committed_at DESC LIMIT 1000",
    "ix_batches_finalized_block_number": "SELECT batch_id FROM batches WHERE finalized_block_number <= 9",
    "ix_batches_pending": "SELECT batch_id FROM batches WHERE verdict = 'pending' ORDER BY batch_id LIMIT 8",
    "ix_batches_post_hash": "SELECT batch_id FROM batches WHERE post_hash = {bytes}",
    "ix_charges_payer_batch_id": "SELECT batch_id, fill FROM charges WHERE payer = {bytes} ORDER BY batch_id",
    "ix_batch_sums_asset_id_asset_version": "SELECT sum(weighted_fee_units) FROM batch_sums WHERE asset_id = 7",
    "ix_batch_sums_dataset_id_dataset_version": "SELECT sum(weighted_fee_units) FROM batch_sums WHERE dataset_id = 7",
    "ix_receipts_digest31": "SELECT batch_id, position FROM receipts WHERE digest31 = {bytes}",
    # blobs: where a batch's were posted, since when the L2 knows, what is to be fetched now
    "ix_posts_post_hash": "SELECT block_number FROM posts WHERE post_hash = {bytes}",
    "ix_post_attestations_post_hash": "SELECT l1_time FROM post_attestations WHERE post_hash = {bytes}",
    "ix_data_commitments_batch_id": "SELECT data_commitment FROM data_commitments WHERE batch_id = 7",
    "ix_blob_fetches_next_attempt_at": "SELECT post_hash FROM blob_fetches WHERE next_attempt_at <= 9",
    # transactions whose gas is to be asked for
    "ix_transaction_costs_unread":
        "SELECT tx_hash FROM transaction_costs WHERE chain_id = 901 AND gas_used IS NULL AND next_attempt_at <= 9",
    # a payer's account with an operator; the payers of an operator
    "ix_spending_caps_payer_operator": "SELECT cap_units FROM spending_caps WHERE payer = {bytes} AND operator = {bytes}",
    "ix_spending_caps_operator": "SELECT payer FROM spending_caps WHERE operator = {bytes}",
    "ix_thaws_payer_operator": "SELECT amount_units FROM thaws WHERE payer = {bytes} AND operator = {bytes}",
    "ix_session_keys_payer_key": "SELECT block_number FROM session_keys WHERE payer = {bytes} AND key = {bytes}",
    "ix_debts_payer_operator": "SELECT amount_units FROM debts WHERE payer = {bytes} AND operator = {bytes}",
    # balances, and what one batch moved
    "ix_movements_holder": "SELECT bucket, sum(amount_units) FROM movements WHERE holder = {bytes} GROUP BY bucket",
    "ix_movements_bucket_holder_counterparty":
        "SELECT sum(amount_units) FROM movements WHERE bucket = 'x7' AND holder = {bytes} GROUP BY counterparty",
    "ix_movements_batch_id": "SELECT bucket, amount_units FROM movements WHERE batch_id = 7",
    # payouts of a payee and under a root
    "ix_claims_payee": "SELECT amount_units FROM claims WHERE payee = {bytes}",
    "ix_claims_root_index": "SELECT payee FROM claims WHERE root_index = 7",
    "ix_skipped_claims_payee": "SELECT root_index FROM skipped_claims WHERE payee = {bytes}",
    "ix_recipients_payee": "SELECT recipient FROM recipients WHERE payee = {bytes}",
    # what is wrong with a batch, and how often a rule was broken
    "ix_findings_batch_id_fill": "SELECT rule FROM findings WHERE batch_id = 7 AND fill = 7",
    "ix_findings_rule": "SELECT count(*) FROM findings WHERE rule = 'x7'",
}  # fmt: skip
UNDO = "DELETE FROM {table} WHERE chain_id = 901 AND block_number > {block}"
REOPEN = "UPDATE {table} SET {column} = NULL WHERE chain_id = 901 AND {column} > {block}"
COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)"
CHECKS = """
SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c
WHERE c.contype = 'c' AND c.connamespace = 'public'::regnamespace AND c.conrelid <> 0
"""
VALUES = {
    "bytea": "int8send(g)", "bigint": "g", "integer": "g", "smallint": "g", "numeric": "g", "text": "'x' || g",
    "jsonb": "'{}'::jsonb", "ARRAY": "'{}'", "boolean": "false", "timestamp with time zone": "now()",
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(module_database_url) -> Iterator[psycopg.Connection]:
    """The indexer's tables with some thousand rows each, in which every value occurs once."""
    with psycopg.connect(module_database_url) as connection:
        for table, name in connection.execute(CHECKS).fetchall():
            connection.execute(
                sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name))
            )
        connection.execute("SET session_replication_role = replica")  # no foreign keys
        connection.execute("CREATE TABLE filled_receipts PARTITION OF receipts FOR VALUES FROM (0) TO (100000)")
        for table in owned_tables():
            columns = connection.execute(COLUMNS, (table.name,)).fetchall()
            values = [special(name) or VALUES[kind] for name, kind in columns]
            connection.execute(
                f"INSERT INTO {table.name} ({', '.join(name for name, _ in columns)})"
                f" SELECT {', '.join(values)} FROM generate_series(1, {ROWS}) AS g ON CONFLICT DO NOTHING"
            )
        connection.execute("ANALYZE")
        yield connection
        connection.rollback()


def special(column: str) -> str | None:
    """Columns that do not differ from row to row."""
    if column == "chain_id":
        return "CASE WHEN g > 0 THEN 901 END"
    if column == "gas_used":
        return f"CASE WHEN g <= {ROWS - 9} THEN g END"
    if column == "verdict":
        return f"CASE WHEN g > {ROWS - 5} THEN 'pending' ELSE 'valid' END"
    return None


def indexes(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """(table, index) of every index that is not a primary key."""
    names = [table.name for table in owned_tables()]
    found = connection.execute(INDEXES, (names,)).fetchall()
    return [(table, name) for table, name, _ in found if not name.startswith("pk_")]


def query_of(table: str, index: str) -> str | None:
    """The query that an index serves; None for one that no entry names and whose name does not say it."""
    if index in QUERIES:
        return QUERIES[index].format(bytes="int8send(7)")
    column = index.removeprefix(f"ix_{table}_")
    if column == "block_number":
        return UNDO.format(table=table, block=ROWS - 5)
    if column.endswith("_block_number"):
        return REOPEN.format(table=table, column=column, block=ROWS - 5)
    return "constraint" if index.endswith("_chain_id_block_hash_log_index") else None


def test_every_index_names_its_query_and_is_used_for_it(filled):
    wrong = []
    for table, index in indexes(filled):
        query = query_of(table, index)
        if query == "constraint":
            continue
        if query is None:
            wrong.append(f"{index} of {table} names no query")
            continue
        plan = "\n".join(line for (line,) in filled.execute(f"EXPLAIN {query}").fetchall())
        used = "filled_receipts_digest31_idx" if index == "ix_receipts_digest31" else index
        if used not in plan:
            wrong.append(f"{index} is not used for {query}:\n{plan}")
    assert wrong == []


def test_every_named_index_is_there(filled):
    assert set(QUERIES) - {name for _, name in indexes(filled)} == set()
