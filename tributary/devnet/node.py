"""JSON-RPC calls to a devnet's own nodes, with the anvil methods that only a devnet has."""

from __future__ import annotations

import threading
from typing import Any, Self

import httpx

from ledger.errors import RpcUnavailableError

_TIMEOUT_SECONDS = 30.0


class Node:
    """One node at `url`; a plain JSON-RPC client that asks one thing at a time, to be closed after use."""

    def __init__(self, url: str) -> None:
        self.url = url
        # trust_env off: a proxy has no business between this machine and itself.
        self._client = httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._turn = threading.RLock()
        """Held during a call: see `tributary.devnet.clock` for what two blocks made at once would do."""

    def call(self, method: str, *parameters: object) -> Any:
        """The `result` of a JSON-RPC call.

        Raises:
            RpcUnavailableError: the node is away or answers with an error.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        try:
            with self._turn:
                answer = self._client.post(self.url, json=request).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise RpcUnavailableError(f"The node at {self.url} does not answer {method}: {error}.") from error
        if "error" in answer:
            raise RpcUnavailableError(f"The node at {self.url} refuses {method}: {answer['error'].get('message')}.")
        return answer["result"]

    def chain_id(self) -> int:
        return int(self.call("eth_chainId"), 16)

    def block_number(self, tag: str = "latest") -> int:
        return int(self.call("eth_getBlockByNumber", tag, False)["number"], 16)

    def timestamp(self, tag: str = "latest") -> int:
        """Unix seconds of the block."""
        return int(self.call("eth_getBlockByNumber", tag, False)["timestamp"], 16)

    def mine(self, blocks: int = 1) -> None:
        """Put that many blocks on top; several may share a second."""
        self.call("anvil_mine", hex(blocks))

    def mine_at(self, timestamp: int) -> None:
        """Put one block with exactly this timestamp on top; the clock runs on from there."""
        with self._turn:
            self.call("evm_setNextBlockTimestamp", timestamp)
            self.call("evm_mine")

    def snapshot(self) -> str:
        return str(self.call("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        self.call("evm_revert", snapshot)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
