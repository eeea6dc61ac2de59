"""What an honest history leaves in the indexer's tables."""

from __future__ import annotations

import pytest

from tests.factories.indexed_world import BOND, DEPOSIT, OWN_DEPOSIT, OWNER, indexed_world

pytestmark = pytest.mark.chain

OTHER = bytes([0x77]) * 20


@pytest.fixture(scope="module")
def world(devnet, tmp_path_factory, module_database_url):
    with indexed_world(devnet, tmp_path_factory.mktemp("indexed"), module_database_url) as world:
        world.prepare()
        batches = [world.commit([1_000, 2_001, 3_000, 4_000]), world.commit([500] * 7)]
        world.finalize(*batches)
        stranger = world.flow.sender("stranger")
        world.flow.send(world.flow.token.mint(stranger.address, 77))
        world.flow.send(world.flow.token.transfer(world.flow.escrow.address, 77), stranger)
        world.index()
        yield world


def test_registered_assets_and_terms_are_there(world):
    assert world.rows("SELECT asset_id, kind, uri FROM assets") == [(world.asset_id, "model", "ipfs://model")]
    assert world.rows("SELECT owner FROM asset_owners") == [(world.flow.operator.address,)]
    assert world.rows("SELECT asset_id, version, royalty_ppm, mode FROM terms") == [
        (world.asset_id, 1, 200_000, "fixed")
    ]
    assert world.rows("SELECT payee, share FROM effective_shares") == [(OWNER, 10**12)]


def test_batches_are_valid_and_finalized_with_all_receipts(world):
    rows = world.rows("SELECT batch_id, fill, status, verdict, count, first_seq FROM batches ORDER BY batch_id")
    assert [row[1:] for row in rows] == [(0, "finalized", "valid", 4, 0), (0, "finalized", "valid", 7, 4)]
    counts = world.rows("SELECT batch_id, count(*), min(seq), max(seq) FROM receipts GROUP BY 1 ORDER BY 1")
    assert [row[1:] for row in counts] == [(4, 0, 3), (7, 4, 10)]
    assert world.rows("SELECT count(*) FROM findings") == [(0,)]


def test_receipts_say_what_was_posted(world):
    for batch_id, batch in world.committed.items():
        stored = world.rows(
            "SELECT seq, digest31, payer, asset_id, asset_version, set_position, fee_units, input_units, output_units,"
            " started_at FROM receipts WHERE batch_id = %s ORDER BY position",
            batch_id,
        )
        assert stored == [
            (r.seq, digest[:31], r.payer, r.asset_id, 1, 0, r.fee_units, r.input_units, r.output_units, r.started_at)
            for r, digest in ((entry.receipt, entry.digest) for entry in batch.entries)
        ]
        running = world.rows(
            "SELECT cumulative_fee_units = sum(fee_units) OVER (ORDER BY position) FROM receipts WHERE batch_id = %s",
            batch_id,
        )
        assert set(running) == {(True,)}


def test_sums_hold_every_fee(world):
    assert world.rows("SELECT sum(weighted_fee_units) FROM batch_sums") == world.rows(
        "SELECT sum(total_fee_units) * 1000000 FROM batches"
    )


def test_each_contracts_buckets_are_its_token_balance(world):
    held = dict(world.rows("SELECT contract, sum(amount_units) FROM movements WHERE contract IS NOT NULL GROUP BY 1"))
    flow = world.flow
    for contract in (flow.escrow.address, flow.operators.address, flow.distributor.address, flow.ledger.address):
        assert held.get(contract, 0) == flow.token.balance_of(contract, "latest")


def test_units_are_conserved_and_every_event_balances(world):
    buckets = dict(world.rows("SELECT bucket, sum(amount_units) FROM movements GROUP BY 1"))
    assert sum(buckets.values()) == 0
    assert buckets["payer_deposits_in"] == -3 * DEPOSIT
    assert buckets["operator_deposits_in"] == -OWN_DEPOSIT
    assert buckets["bonds_in"] == -BOND == -buckets["bonds"]
    assert (buckets["direct_transfers_in"], buckets["stray"]) == (-77, 77)
    assert buckets.get("custody") == 0
    assert buckets["distributor"] == world.rows("SELECT sum(total_fee_units) FROM batches")[0][0]
    unbalanced = world.rows(
        "SELECT log_index FROM movements GROUP BY chain_id, block_hash, log_index HAVING sum(amount_units) <> 0"
    )
    assert unbalanced == []


def test_accounts_are_what_the_escrow_says(world):
    flow = world.flow
    for payer in world.payers:
        balance = world.rows(
            "SELECT sum(amount_units) FROM movements WHERE (bucket, holder, counterparty) = ('escrow', %s, %s)",
            payer,
            flow.operator.address,
        )
        assert balance[0][0] == flow.escrow.account(payer, flow.operator.address, "latest").balance_units


def test_heads_are_indexed_and_in_order(world):
    for chain_id in (900, 901):
        heads = dict(world.rows("SELECT tag, number FROM heads WHERE chain_id = %s", chain_id))
        assert heads["finalized"] <= heads["safe"] <= heads["latest"]
        cursor = world.rows("SELECT number FROM cursors WHERE chain_id = %s", chain_id)
        assert cursor == [(heads["latest"],)]


def test_posts_and_attestations_meet(world):
    assert world.rows(
        "SELECT count(*) FROM batches b JOIN posts p USING (post_hash) JOIN post_attestations a USING (post_hash)"
        " WHERE a.l1_time = p.l1_time"
    ) == [(2,)]
    assert world.rows("SELECT count(*) FROM blob_fetches") == [(0,)]


def test_a_second_run_changes_nothing_and_a_rebuild_gives_the_same_rows(world, postgres_server, migrated_template):
    before = world.digests()
    world.index()
    assert world.digests() == before
    other = postgres_server.create_database("rebuilt_honest_path", migrated_template)
    assert world.rebuilt_digests(other) == before
    postgres_server.drop_database("rebuilt_honest_path")
