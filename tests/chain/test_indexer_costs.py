"""What transactions took is asked of the nodes afterwards, holds to what they answer, and nothing else waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from indexer.assembly import assemble
from indexer.costs.reader import CostReader
from indexer.costs.store import CostStore
from indexer.running import catch_up
from ledger.chain.quantities import to_data
from ledger.chain.rpc import RpcClient
from ledger.chain.tx_receipt import parse_tx_receipt
from tests.factories.indexed_world import IndexedWorld, own_indexed_world
from tests.factories.rpc_proxy import Proxy, rpc_proxy

pytestmark = pytest.mark.chain

ROWS = """
SELECT purpose, chain_id, tx_hash, gas_used, blob_gas_used,
       gas_used * gas_price_wei + blob_gas_used * blob_gas_price_wei + l1_fee_wei
FROM transaction_costs ORDER BY chain_id, block_number, log_index
"""
UNTOLD = "SELECT count(*) FROM transaction_costs WHERE gas_used IS NULL"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, module_database_url: str) -> Iterator[IndexedWorld]:
    """Chains of this module's own: one of them is rolled back."""
    with own_indexed_world(tmp_path_factory.mktemp("costs"), module_database_url) as world:
        world.finalize(world.commit([1_000, 2_000]))
        world.flow.devnet.finalize()
        yield world


@pytest.fixture
def proxy(world: IndexedWorld) -> Iterator[Proxy]:
    with rpc_proxy(world.flow.devnet.l2.url) as proxy:
        yield proxy


def test_every_transaction_of_a_batch_is_there_with_what_its_node_says(world: IndexedWorld) -> None:
    world.index()
    rows = world.rows(ROWS)
    assert [(purpose, chain) for purpose, chain, *_ in rows] == [("post", 900), ("commit", 901), ("finalize", 901)]
    nodes = {900: world.flow.devnet.l1, 901: world.flow.devnet.l2}
    for _, chain_id, tx_hash, gas_used, blob_gas_used, fee_wei in rows:
        receipt = parse_tx_receipt(nodes[chain_id].call("eth_getTransactionReceipt", to_data(tx_hash)))
        assert (gas_used, blob_gas_used, fee_wei) == (receipt.gas_used, receipt.blob_gas_used, receipt.cost_wei)
    assert rows[0][4] == 2**17
    assert world.rows(UNTOLD) == [(0,)]


def other(answer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**answer, "result": {**answer["result"], **changes}}


@pytest.mark.parametrize(
    "lie",
    [
        lambda answer: {**answer, "result": None},
        lambda answer: {**answer, "result": []},
        lambda answer: {**answer, "result": {}},
        lambda answer: other(answer, gasUsed="0x"),
        lambda answer: other(answer, gasUsed=hex(2**63)),
        lambda answer: other(answer, effectiveGasPrice=hex(10**78)),
        lambda answer: other(answer, transactionHash="0x" + "11" * 32),
        lambda answer: other(answer, blockHash="0x" + "11" * 32),
        lambda answer: {"jsonrpc": "2.0", "id": answer["id"], "error": {"code": -32601, "message": "no such method"}},
    ],
)
def test_an_answer_that_can_not_be_is_waited_out(world: IndexedWorld, proxy: Proxy, lie: Any) -> None:
    clock = [0.0]
    proxy.change = lambda call, answer: lie(answer) if call["method"] == "eth_getTransactionReceipt" else answer
    with_gas = world.rows(ROWS)
    forget(world)
    store, node = CostStore(world.url), RpcClient([proxy.url], 901, patience_seconds=0)
    reader = CostReader(store, [node], lambda: clock[0])
    assert reader.round() == 0
    assert world.rows(UNTOLD) == [(2,)]
    proxy.change = lambda _call, answer: answer
    assert reader.round() == 0  # it is not due yet
    clock[0] = 60
    assert reader.round() == 2
    assert world.rows(ROWS) == with_gas
    store.close()
    node.close()


def test_a_node_that_knows_no_receipts_holds_up_nothing(world: IndexedWorld, proxy: Proxy) -> None:
    def refuse(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        if call["method"] != "eth_getTransactionReceipt":
            return answer
        return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": -32005, "message": "rate limit"}}

    proxy.change = refuse
    batch_id, _ = world.commit([3_000])
    settings = world.settings.model_copy(update={"l2_rpc_url": (proxy.url,), "patience_seconds": 1.0})
    with assemble(settings) as indexer:
        catch_up(indexer)
    assert world.rows("SELECT verdict FROM batches WHERE batch_id = %s", batch_id) == [("valid",)]
    assert world.rows(UNTOLD) == [(1,)]
    world.index()
    assert world.rows(UNTOLD) == [(0,)]


def test_a_reorganisation_takes_the_costs_of_what_fell(world: IndexedWorld) -> None:
    before, node = world.rows(ROWS), world.flow.devnet.l2
    latest = node.block_number()
    world.commit([4_000])
    world.index()
    assert len(world.rows(ROWS)) == len(before) + 2
    node.call("anvil_reorg", node.block_number() - latest, [])
    world.index()
    assert [row for row in world.rows(ROWS) if row[1] == 901] == [row for row in before if row[1] == 901]


def forget(world: IndexedWorld) -> None:
    """Make what the L2's transactions took unknown again."""
    world.rows(
        "UPDATE transaction_costs SET gas_used = NULL, gas_price_wei = NULL, blob_gas_used = NULL,"
        " blob_gas_price_wei = NULL, l1_fee_wei = NULL, attempts = 0, next_attempt_at = 0 WHERE chain_id = 901"
        " RETURNING 1"
    )
