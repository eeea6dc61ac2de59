"""An ordinary event log on a real anvil: a token's transfers, a hundred to a block, all of them final."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import solcx

from ledger.errors import RpcUnavailableError
from tributary.devnet.accounts import dev_accounts
from tributary.devnet.network import FINALITY_BLOCKS
from tributary.devnet.node import Node
from tributary.guarded import GuardedProcess
from tributary.ports import LOOPBACK, free_port
from tributary.toolchain import find_tool, solidity_compiler

CHAIN_ID = 901
EVENTS_A_BLOCK = 100
START_SECONDS = 30
SOURCE = """
pragma solidity 0.8.37;
contract Emitter {
    event Transfer(address indexed from, address indexed to, uint256 value);
    function emitMany(uint256 count, uint256 seed) external {
        for (uint256 i = 0; i < count; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            emit Transfer(address(uint160(word)), address(uint160(word >> 96)), uint64(word));
        }
    }
}
"""


@dataclass(frozen=True)
class EventLog:
    """Where the chain answers, the contract, how much it has logged, and the last block that has a log."""

    url: str
    token: bytes
    events: int
    last_block: int


@contextmanager
def event_log(events: int, folder: Path) -> Iterator[EventLog]:
    """A chain with that many transfers, `EVENTS_A_BLOCK` to a block."""
    with ExitStack() as stack:
        node = stack.enter_context(Node(_start_anvil(folder, stack)))
        _wait_for(node)
        sender = "0x" + dev_accounts()[0].address.hex()
        creation, selector = _compiled()
        deployed = node.call("eth_sendTransaction", {"from": sender, "data": "0x" + creation, "gas": hex(1_000_000)})
        node.mine()
        token = node.call("eth_getTransactionReceipt", deployed)["contractAddress"]
        for seed in range(events // EVENTS_A_BLOCK):
            data = f"0x{selector}{EVENTS_A_BLOCK:064x}{seed:064x}"
            node.call("eth_sendTransaction", {"from": sender, "to": token, "data": data, "gas": hex(1_000_000)})
            node.mine()
        last = node.block_number()
        node.mine(FINALITY_BLOCKS + 1)
        yield EventLog(node.url, bytes.fromhex(token[2:]), events, last)


def _start_anvil(folder: Path, stack: ExitStack) -> str:
    port = free_port()
    words = [str(find_tool("anvil")), "--port", str(port), "--chain-id", str(CHAIN_ID), "--silent", "--no-mining"]
    stack.enter_context(GuardedProcess([*words, "--prune-history", "10"], folder / "anvil.log"))
    return f"http://{LOOPBACK}:{port}"


def _wait_for(node: Node) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            node.chain_id()
        except RpcUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _compiled() -> tuple[str, str]:
    """Creation code and the selector of emitMany, in hex."""
    request = {
        "language": "Solidity",
        "sources": {"Emitter.sol": {"content": SOURCE}},
        "settings": {
            "optimizer": {"enabled": True},
            "outputSelection": {"*": {"*": ["evm.bytecode.object", "evm.methodIdentifiers"]}},
        },
    }
    evm = solcx.compile_standard(request, solc_binary=solidity_compiler())["contracts"]["Emitter.sol"]["Emitter"]["evm"]
    return evm["bytecode"]["object"], evm["methodIdentifiers"]["emitMany(uint256,uint256)"]
