"""One chain through raw JSON-RPC: logs by range, block times, views at a block, blob hashes of a transaction."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from audit.chain.events import unhex
from ledger.chain.blocks import BlockRef
from ledger.chain.rpc import RpcClient
from ledger.errors import MalformedAnswerError, ReorgDetectedError, RpcRejectedError

MOST_BLOCKS: Final = 10_000
"""Blocks in one eth_getLogs; fewer where a node refuses so many."""

Json = Any
"""A value out of JSON."""


class Node:
    """A chain as its nodes tell it."""

    def __init__(self, urls: Sequence[str], chain_id: int, name: str, patience_seconds: float) -> None:
        """Take the addresses, in order of preference; a call that none answers is given up after the patience."""
        self.name = name
        self._rpc = RpcClient(urls, chain_id, name=name, patience_seconds=patience_seconds)

    def close(self) -> None:
        """Close the connections."""
        self._rpc.close()

    def block(self, at: str | int) -> BlockRef:
        """The block with this number or tag ("finalized", "safe", "latest").

        Raises:
            MalformedAnswerError: the node has no such block.
        """
        number = hex(at) if isinstance(at, int) else at
        return _block(self._rpc.batch([("eth_getBlockByNumber", (number, False))])[0], f"{self.name} block {at}")

    def check_still_there(self, block: BlockRef) -> None:
        """Nothing, if the chain still has this block.

        Raises:
            ReorgDetectedError: it was replaced.
        """
        if self.block(block.number).hash != block.hash:
            raise ReorgDetectedError(f"{self.name} block {block.number} was replaced during the audit; start it again.")

    def blocks(self, numbers: Iterable[int]) -> dict[int, BlockRef]:
        """These blocks by number."""
        wanted = sorted(set(numbers))
        answers = self._rpc.batch([("eth_getBlockByNumber", (hex(number), False)) for number in wanted])
        return {n: _block(answer, f"{self.name} block {n}") for n, answer in zip(wanted, answers, strict=True)}

    def logs(self, first: int, last: int, addresses: Sequence[bytes], topics: Sequence[Json] = ()) -> Iterator[Json]:
        """Every log of these contracts from block `first` to `last`, in chain order.

        Args:
            first: the first block.
            last: the last one, included.
            addresses: whose logs.
            topics: as eth_getLogs takes them; none for all.
        """
        step = MOST_BLOCKS
        while first <= last:
            until = min(first + step - 1, last)
            question = {
                "fromBlock": hex(first),
                "toBlock": hex(until),
                "address": ["0x" + address.hex() for address in addresses],
                "topics": list(topics),
            }
            try:
                answer = self._rpc.call("eth_getLogs", question)
            except RpcRejectedError:
                if step == 1:
                    raise
                step = max(1, step // 4)
                continue
            yield from sorted(answer, key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
            first = until + 1

    def blob_hashes(self, transactions: Iterable[bytes]) -> list[tuple[bytes, ...]]:
        """The versioned hashes that each of these transactions carries."""
        answers = self._rpc.batch([("eth_getTransactionByHash", ("0x" + hash_.hex(),)) for hash_ in transactions])
        return [tuple(unhex(text) for text in (answer or {}).get("blobVersionedHashes") or ()) for answer in answers]

    def call(self, at: BlockRef, calls: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """What each (contract, calldata in hex) returns in the state after block `at`."""
        block = {"blockHash": "0x" + at.hash.hex(), "requireCanonical": True}
        questions = [("eth_call", ({"to": "0x" + to.hex(), "data": data}, block)) for to, data in calls]
        return [unhex(answer) for answer in self._rpc.batch(questions)]


def _block(answer: Json, what: str) -> BlockRef:
    try:
        return BlockRef(
            int(answer["number"], 16), unhex(answer["hash"]), unhex(answer["parentHash"]), int(answer["timestamp"], 16)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswerError(f"{what} is not there.") from error
