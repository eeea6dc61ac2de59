"""Transactions of one account on a real chain: nonces, replacements, refusals, reverts by name, reads at a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from threading import Thread
from typing import Any

import pytest
from coincurve import PrivateKey

from ledger.chain.blocks import block_at, block_by_hash, block_range, heads
from ledger.chain.contracts.token import Token
from ledger.chain.events.token import Transfer
from ledger.chain.fees import FeePolicy
from ledger.chain.logs import LogDecoder, fetch_logs
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.chain.transaction import Call
from ledger.errors import (
    BlockNotFoundError,
    ContractRevertedError,
    FeeTooHighError,
    InsufficientFundsError,
    TransactionPendingError,
    TransactionSupersededError,
)
from ledger.protocol.keccak import keccak256
from tests.factories.outbox import mining
from tests.factories.rpc_proxy import rpc_proxy
from tributary.contracts_build import artifacts
from tributary.devnet import Devnet
from tributary.devnet.network import L1_BLOCK_SECONDS

pytestmark = pytest.mark.chain

SOMEBODY = b"\x5b" * 20


@pytest.fixture(scope="module")
def l1(devnet: Devnet) -> Iterator[RpcClient]:
    with closing(RpcClient([devnet.l1_url], devnet.l1_chain_id, name="L1")) as rpc:
        yield rpc


@pytest.fixture(scope="module")
def still(devnet: Devnet) -> Iterator[None]:
    """No L1 block but those that a test mines."""
    devnet.l1_clock.set(0)
    yield
    devnet.l1_clock.set(L1_BLOCK_SECONDS)


@pytest.fixture
def sender(devnet: Devnet, l1: RpcClient, still: None, request: pytest.FixtureRequest) -> Sender:
    """An account of the test's own, with ten ether."""
    sender = Sender(l1, PrivateKey(keccak256(request.node.name.encode())))
    devnet.l1.call("anvil_setBalance", "0x" + sender.address.hex(), hex(10**19))
    return sender


@pytest.fixture(scope="module")
def token(devnet: Devnet, l1: RpcClient) -> Token:
    deployer = Sender(l1, PrivateKey(devnet.accounts[5].private_key))
    with mining(devnet):
        receipt = deployer.execute(Call(b"", artifacts()["TestToken"].bytecode))
    assert receipt.contract_address is not None
    return Token(l1, receipt.contract_address)


def send(devnet: Devnet, sender: Sender, call: Call) -> bytes:
    """The hash of a transaction that is mined at once."""
    tx = sender.sign(call)
    sender.broadcast(tx)
    devnet.l1.mine()
    sender.succeeded(sender.wait([tx.hash], 5), call)
    return tx.hash


def test_signing_has_no_effect_and_sending_twice_has_one(devnet: Devnet, sender: Sender, token: Token) -> None:
    tx = sender.sign(token.mint(SOMEBODY, 7))
    before = token.balance_of(SOMEBODY, "latest")
    devnet.l1.mine()
    assert sender.tx_receipt(tx.hash) is None
    sender.broadcast(tx)
    sender.broadcast(tx)
    devnet.l1.mine()
    sender.broadcast(tx)
    assert token.balance_of(SOMEBODY, "latest") == before + 7
    assert sender.mined_nonce() == 1


def test_the_newest_of_several_replacements_is_the_one_that_lands(devnet: Devnet, sender: Sender, token: Token) -> None:
    attempts = [sender.sign(token.mint(SOMEBODY, 1))]
    sender.broadcast(attempts[0])
    for _ in range(3):
        attempts.append(sender.replacement(attempts[-1]))
        sender.broadcast(attempts[-1])
    with pytest.raises(TransactionPendingError, match="is in no block after 0 s"):
        sender.wait([a.hash for a in attempts], 0)
    devnet.l1.mine()
    assert sender.wait([a.hash for a in attempts], 5).tx_hash == attempts[-1].hash
    assert {a.nonce for a in attempts} == {0}


def test_a_nonce_that_is_used_up_is_told_apart_from_a_transaction_that_is_mined(
    devnet: Devnet, sender: Sender, token: Token
) -> None:
    late = sender.sign(token.mint(SOMEBODY, 1), nonce=0)
    send(devnet, sender, token.mint(SOMEBODY, 2))
    with pytest.raises(TransactionSupersededError, match=r"On L1 another transaction of 0x.* used this nonce"):
        sender.broadcast(late)


def test_an_account_that_can_not_pay_is_told_to_get_ether(l1: RpcClient, token: Token) -> None:
    poor = Sender(l1, PrivateKey(keccak256(b"poor")))
    with pytest.raises(InsufficientFundsError, match="can not pay for its transaction on L1; send it ether"):
        poor.broadcast(poor.sign(token.mint(SOMEBODY, 1), gas_limit=100_000))


def test_a_revert_comes_as_the_contracts_own_error_with_its_operands(sender: Sender, token: Token) -> None:
    for attempt in (sender.sign, sender.simulate):
        with pytest.raises(ContractRevertedError, match="ERC20InsufficientBalance") as refused:
            attempt(token.transfer(SOMEBODY, 5))
        assert refused.value.error_name == "ERC20InsufficientBalance"
        assert refused.value.operands == {"sender": sender.address, "balance": 0, "needed": 5}


def test_a_transaction_that_reverts_in_its_block_says_why(devnet: Devnet, sender: Sender, token: Token) -> None:
    call = token.transfer(SOMEBODY, 5)
    tx = sender.sign(call, gas_limit=100_000)
    sender.broadcast(tx)
    devnet.l1.mine()
    with pytest.raises(ContractRevertedError) as refused:
        sender.succeeded(sender.wait([tx.hash], 5), call)
    assert refused.value.error_name == "ERC20InsufficientBalance"


def test_a_market_above_the_ceiling_stops_the_sender_before_it_signs(l1: RpcClient, token: Token) -> None:
    careful = Sender(l1, PrivateKey(keccak256(b"careful")), FeePolicy(ceiling_wei=1))
    with pytest.raises(FeeTooHighError, match=r"L1 gas costs .* above the ceiling of 1 wei"):
        careful.sign(token.mint(SOMEBODY, 1), gas_limit=100_000)


def test_an_executed_call_waits_for_its_block(devnet: Devnet, sender: Sender, token: Token) -> None:
    results = []
    thread = Thread(target=lambda: results.append(sender.execute(token.mint(SOMEBODY, 3))))
    with mining(devnet):
        thread.start()
        thread.join(30)
    assert results[0].succeeded
    assert results[0].gas_used * results[0].gas_price_wei == results[0].cost_wei > 0


def test_a_read_names_its_block_and_fails_when_that_block_is_replaced(
    devnet: Devnet, l1: RpcClient, sender: Sender, token: Token
) -> None:
    send(devnet, sender, token.mint(sender.address, 10))
    there = block_at(l1, "latest")
    send(devnet, sender, token.mint(sender.address, 5))
    assert token.balance_of(sender.address, there) == token.balance_of(sender.address, there.number) == 10
    assert token.balance_of(sender.address, "latest") == 15
    devnet.l1.call("anvil_reorg", 2, [])
    with pytest.raises(BlockNotFoundError):
        token.balance_of(sender.address, there)


def test_a_contract_that_is_not_there_is_named(l1: RpcClient) -> None:
    with pytest.raises(ContractRevertedError, match="No TestToken stands at 0x5b5b"):
        Token(l1, SOMEBODY).balance_of(SOMEBODY, "latest")


def test_blocks_are_found_by_number_tag_and_hash(devnet: Devnet, l1: RpcClient) -> None:
    devnet.l1.mine(3)
    now = heads(l1)
    assert now.latest.number >= now.safe.number >= now.finalized.number
    chain = block_range(l1, now.latest.number - 2, now.latest.number)
    assert [child.parent_hash for child in chain[1:]] == [parent.hash for parent in chain[:-1]]
    assert block_by_hash(l1, chain[0].hash) == chain[0]
    with pytest.raises(BlockNotFoundError, match="L1 has no block 999999999"):
        block_at(l1, 999_999_999)


def test_logs_come_in_order_however_many_requests_they_take(
    devnet: Devnet, l1: RpcClient, sender: Sender, token: Token
) -> None:
    first = block_at(l1, "latest").number + 1
    for amount in range(5):
        send(devnet, sender, token.mint(sender.address, amount))
    decoder = LogDecoder({token.address: "TestToken"})
    whole = fetch_logs(l1, first, first + 4, decoder.addresses, decoder.topics)
    refused: list[int] = []

    def at_most_two_blocks(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        (query,) = call["params"]
        blocks = int(query["toBlock"], 16) - int(query["fromBlock"], 16) + 1
        if blocks <= 2:
            return answer
        refused.append(blocks)
        error = {"code": -32005, "message": "query exceeds max block range 2"}
        return {"jsonrpc": "2.0", "id": call["id"], "error": error}

    with (
        rpc_proxy(devnet.l1_url) as proxy,
        closing(RpcClient([proxy.url], devnet.l1_chain_id, name="L1")) as limited,
    ):
        limited.verify()
        proxy.change = at_most_two_blocks
        assert fetch_logs(limited, first, first + 4, decoder.addresses, decoder.topics) == whole
    assert refused
    transfers = [decoder.decode(raw).event for raw in whole]
    assert transfers == [Transfer(bytes(20), sender.address, amount) for amount in range(5)]
