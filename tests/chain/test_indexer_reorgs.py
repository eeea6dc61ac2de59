"""Reorganisations of either chain: what falls, what stays, and that the rows equal those of a fresh rebuild."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from indexer.assembly import assemble
from indexer.following import follower
from indexer.operation.watch import Watch
from indexer.running import follow
from ledger.errors import MalformedAnswerError, ReorgDetectedError, ReorgTooDeepError
from tests.factories.indexed_world import IndexedWorld, own_indexed_world
from tests.factories.rpc_proxy import rpc_proxy

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def world(tmp_path_factory, module_database_url) -> Iterator[IndexedWorld]:
    """Chains of this module's own: they will not be what they were."""
    with own_indexed_world(tmp_path_factory.mktemp("reorgs"), module_database_url) as world:
        world.finalize(world.commit([100, 200, 300]))
        world.flow.devnet.finalize()
        world.index()
        yield world


@pytest.fixture
def rebuilt(world, postgres_server, migrated_template):
    """The digests of an index made afresh from the chains as they are now."""

    def digests() -> dict[str, str]:
        url = postgres_server.create_database("rebuilt_after_reorg", migrated_template)
        try:
            return world.rebuilt_digests(url)
        finally:
            postgres_server.drop_database("rebuilt_after_reorg")

    return digests


def reorg(node, depth: int) -> None:
    """Replace the last `depth` blocks by as many empty ones."""
    node.call("anvil_reorg", depth, [])


def statuses(world) -> list[tuple[int, str, str]]:
    return world.rows("SELECT batch_id, status, verdict FROM batches ORDER BY batch_id")


def test_a_commit_that_falls_takes_everything_with_it(world, rebuilt):
    before = world.digests()
    latest = world.flow.devnet.l2.block_number()
    batch_id, _ = world.commit([1, 2, 3, 4])
    world.index()
    assert (batch_id, "open", "valid") in statuses(world)
    assert world.rows("SELECT count(*) FROM receipts WHERE batch_id = %s", batch_id) == [(4,)]
    assert world.digests() != before

    reorg(world.flow.devnet.l2, world.flow.devnet.l2.block_number() - latest)
    world.index()
    assert batch_id not in [row[0] for row in statuses(world)]
    for table in ("receipts", "batch_sums", "charges"):
        assert world.rows(f"SELECT count(*) FROM {table} WHERE batch_id = %s", batch_id) == [(0,)]
    assert world.digests() == rebuilt()
    assert world.rows("SELECT reorgs > 0 FROM cursors WHERE chain_id = 901") == [(True,)]


def test_another_batch_may_stand_where_one_fell(world, rebuilt):
    node = world.flow.devnet.l2
    before = node.block_number()
    first, _ = world.commit([10])
    world.index()
    reorg(node, node.block_number() - before)
    second, _ = world.commit([20, 30])
    assert first == second
    world.index()
    assert world.rows("SELECT output_units FROM receipts WHERE batch_id = %s ORDER BY seq", first) == [(20,), (30,)]
    assert world.digests() == rebuilt()


def test_a_finalization_that_falls_opens_the_batch_again(world, rebuilt):
    node, batch = world.flow.devnet.l2, world.commit([5, 6])
    before = node.block_number()
    world.finalize(batch)
    world.index()
    assert (batch[0], "finalized", "valid") in statuses(world)
    reorg(node, node.block_number() - before)
    world.index()
    assert (batch[0], "open", "valid") in statuses(world)
    assert world.rows(
        "SELECT sum(amount_units) FROM movements WHERE batch_id = %s AND bucket = 'distributor'", batch[0]
    ) == [(None,)]
    assert world.digests() == rebuilt()
    world.finalize(batch)
    world.index()
    assert (batch[0], "finalized", "valid") in statuses(world)
    assert world.digests() == rebuilt()


def test_a_post_that_falls_on_l1_takes_only_its_row(world, rebuilt):
    posts = world.rows("SELECT post_hash FROM posts ORDER BY 1")
    world.flow.post(world.flow.batch(world.asset_id, world.fees([7, 8, 9])))
    world.index()
    (new,) = set(world.rows("SELECT post_hash FROM posts ORDER BY 1")) - set(posts)
    world.flow.devnet.l1.mine(2)
    reorg(world.flow.devnet.l1, world.flow.devnet.l1.block_number() - _block_of_post(world, new[0]) + 1)
    world.index()
    assert world.rows("SELECT post_hash FROM posts ORDER BY 1") == posts
    assert world.digests() == rebuilt()


def _block_of_post(world, post_hash: bytes) -> int:
    return world.rows("SELECT block_number FROM posts WHERE post_hash = %s", post_hash)[0][0]


def test_a_deep_reorg_above_the_final_block_is_undone_whole(world, rebuilt):
    node = world.flow.devnet.l2
    start = node.block_number()
    for units in ([1], [2], [3]):
        world.commit([*units, 4])
        node.mine(5)
        world.index()
    depth = node.block_number() - start
    assert 15 <= depth < 60
    reorg(node, depth)
    world.index()
    assert world.rows("SELECT deepest_reorg_blocks FROM cursors WHERE chain_id = 901")[0][0] >= depth
    assert world.digests() == rebuilt()


def test_reorgs_of_both_chains_while_batches_come_in_leave_no_mixture(world, rebuilt):
    """The indexer follows all the while, and hardly ever finds a chain that stands still."""
    moods, stop, watch = random.Random(7), threading.Event(), Watch()
    devnet = world.flow.devnet
    (before,) = world.rows("SELECT reorgs FROM cursors WHERE chain_id = 901")
    with assemble(world.settings) as indexer, ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow, indexer, stop, 0.01, watch)
        try:
            for turn in range(16):
                world.commit([turn + 1] * 40)
                reorg(devnet.l2 if turn % 4 else devnet.l1, moods.randint(1, 5))
                time.sleep(moods.random() / 5)
            assert not following.done()
        finally:
            stop.set()
        following.result()
    world.index()
    (after,) = world.rows("SELECT reorgs FROM cursors WHERE chain_id = 901")
    assert after[0] >= before[0] + 3
    assert world.digests() == rebuilt()


def test_a_chain_that_is_shorter_for_a_while_is_only_waited_for(world):
    node = world.flow.devnet.l2
    node.mine(6)
    world.index()
    reorgs, before = world.rows("SELECT reorgs, number FROM cursors WHERE chain_id = 901"), world.digests()
    node.call("anvil_rollback", 3)
    world.index()
    assert world.rows("SELECT reorgs, number FROM cursors WHERE chain_id = 901") == reorgs
    assert world.digests() == before
    node.mine(5)
    world.index()
    assert world.rows("SELECT reorgs FROM cursors WHERE chain_id = 901")[0][0] == reorgs[0][0] + 1


def test_a_lagging_node_is_not_a_reorg(world):
    node = world.flow.devnet.l2
    node.mine(4)
    world.index()
    before = world.rows("SELECT chain_id, number, hash, reorgs FROM cursors ORDER BY 1")
    heads = world.rows("SELECT * FROM heads ORDER BY 1, 2")
    for behind in (1, 10, 200):
        last = node.block_number() - behind
        with rpc_proxy(world.flow.devnet.l2_url) as lagging:
            lagging.change = lambda call, answer, last=last: _as_of(node, last, call, answer)
            world.index(l2_rpc_url=(lagging.url,))
        assert world.rows("SELECT chain_id, number, hash, reorgs FROM cursors ORDER BY 1") == before
        assert world.rows("SELECT * FROM heads ORDER BY 1, 2") == heads


def _as_of(node, last: int, call, answer):
    """What a node that has got only blocks up to `last` answers."""
    if call["method"] != "eth_getBlockByNumber":
        return answer
    tag = call["params"][0]
    if tag in ("latest", "safe", "finalized"):
        number = max(1, last - {"latest": 0, "safe": 32, "finalized": 64}[tag])
        return {**answer, "result": node.call("eth_getBlockByNumber", hex(number), False)}
    return {**answer, "result": answer["result"] if int(tag, 16) <= last else None}


def test_a_chain_that_changes_while_it_is_read_leaves_no_mixture(world, rebuilt):
    """Blocks are replaced between the answer with the logs and the answers with the headers, again and again."""
    node, replaced = world.flow.devnet.l2, []
    world.commit([11, 12])
    node.mine(3)
    with rpc_proxy(world.flow.devnet.l2_url) as proxy:

        def replace_blocks(call) -> None:
            first_header = call["method"] == "eth_getBlockByNumber" and call["params"][0].startswith("0x")
            if proxy.logs_were_asked and first_header and len(replaced) < 3:
                replaced.append(node.block_number())
                reorg(node, 4)
            proxy.logs_were_asked = call["method"] == "eth_getLogs"

        proxy.logs_were_asked = False
        proxy.before = replace_blocks
        world.index(l2_rpc_url=(proxy.url,))
    assert replaced
    assert world.digests() == rebuilt()


@pytest.mark.parametrize("blocks", [1, 7])
def test_how_blocks_are_cut_into_runs_changes_nothing(world, rebuilt, monkeypatch, blocks):
    world.index()
    # These chains are far too short and quiet for a node to make runs end; so the indexer's own bounds do, at any block.
    monkeypatch.setattr(follower, "LINKED_BLOCKS", blocks)
    monkeypatch.setattr(follower.RangeSize, "answered", lambda self, *_: setattr(self, "blocks", blocks))
    assert rebuilt() == world.digests()


def test_logs_of_another_block_than_the_header_are_not_believed(world):
    """Blocks without logs are read on; none with a log whose block the node names wrongly."""
    world.index()
    node, before = world.flow.devnet.l2, statuses(world)
    first_with_logs = node.block_number() + 3
    node.mine(2)
    world.commit([13])
    with rpc_proxy(world.flow.devnet.l2_url) as lying:
        lying.change = _with_another_block_hash
        with pytest.raises(ReorgDetectedError, match="changed while it was read"):
            world.index(l2_rpc_url=(lying.url,))
    assert statuses(world) == before
    ((number, block_hash),) = world.rows("SELECT number, hash FROM cursors WHERE chain_id = 901")
    assert number < first_with_logs
    assert node.call("eth_getBlockByNumber", hex(number), False)["hash"] == f"0x{bytes(block_hash).hex()}"
    world.index()
    assert len(statuses(world)) == len(before) + 1


def _with_another_block_hash(call, answer):
    if call["method"] != "eth_getLogs":
        return answer
    return {**answer, "result": [{**log, "blockHash": "0x" + "ab" * 32} for log in answer["result"]]}


@pytest.mark.parametrize("chain", ["l1", "l2"])
def test_a_final_log_that_names_another_block_is_not_believed(world, postgres_server, migrated_template, chain):
    """On L1 a post's block has no other log of ours, and its header tells; on L2 the logs beside it do."""
    world.flow.devnet.finalize()
    url = postgres_server.create_database("lied_to", migrated_template)
    try:
        with rpc_proxy(getattr(world.settings, f"{chain}_rpc_url")[0]) as lying:
            lying.change = _with_one_wrong_block_hash
            with pytest.raises(MalformedAnswerError, match=r"differ about the hash of their block|two different logs"):
                world.rebuilt_digests(url, **{f"{chain}_rpc_url": (lying.url,)})
        world.index()
        assert world.rebuilt_digests(url) == world.digests()
    finally:
        postgres_server.drop_database("lied_to")


def _with_one_wrong_block_hash(call, answer):
    if call["method"] != "eth_getLogs" or not answer["result"]:
        return answer
    first, *others = answer["result"]
    return {**answer, "result": [{**first, "blockHash": "0x" + "ab" * 32}, *others]}


def test_a_replaced_final_block_stops_the_indexer_and_undoes_nothing(world):
    devnet = world.flow.devnet
    devnet.finalize()
    world.index()
    before = world.digests()
    reorg(devnet.l2, 70)
    with pytest.raises(ReorgTooDeepError, match="had called final"):
        world.index()
    assert world.digests() == before
