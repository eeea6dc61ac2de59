"""One chain through its nodes: logs by range, block times, views at a block, blob hashes of a transaction.

Asked with web3, not with the client that the other stages use, so that a fault in that one can't hide here.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar, cast

import requests
from eth_typing import HexStr
from pydantic_core import from_json
from typing_extensions import override
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception, Web3RPCError
from web3.types import RPCResponse

from ledger.chain.blocks import BlockRef
from ledger.chain.endpoint import public_name
from ledger.errors import (
    MalformedAnswerError,
    ReorgDetectedError,
    RpcRejectedError,
    RpcUnavailableError,
    WrongChainError,
)

MOST_BLOCKS: Final = 10_000
"""Blocks in one eth_getLogs; fewer where a node refuses so many."""
MOST_QUESTIONS: Final = 100
"""Questions in one JSON-RPC batch."""
_TIMEOUT_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.5

Json = Any
"""What a node answered, with web3's types: integers, bytes, checksummed addresses."""
Answer = TypeVar("Answer")


class Provider(HTTPProvider):
    """A node over HTTP. Its JSON is parsed to a bounded depth, and nothing is retried behind our back."""

    def __init__(self, url: str) -> None:
        """Take the node's address."""
        self.session = requests.Session()
        super().__init__(
            url,
            request_kwargs={"timeout": _TIMEOUT_SECONDS},
            session=self.session,
            exception_retry_configuration=None,
        )
        self.global_ccip_read_enabled = False

    @staticmethod
    @override
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        return cast("RPCResponse", from_json(raw_response))


class Node:
    """A chain as its nodes tell it; the first that answers is believed."""

    def __init__(self, urls: Sequence[str], name: str, patience_seconds: float) -> None:
        """Take the addresses in order of preference; a question that none answers is given up after the patience."""
        self.name = name
        self._providers = [Provider(url) for url in urls]
        self._patience_seconds = patience_seconds
        self._answered = False

    def close(self) -> None:
        """Close the connections."""
        for provider in self._providers:
            provider.session.close()

    def chain_id(self) -> int:
        """The chain that the nodes serve."""
        return self._ask(lambda web3: web3.eth.chain_id)

    def expect_chain(self, chain_id: int) -> None:
        """Nothing, if the nodes serve this chain.

        Raises:
            WrongChainError: they serve another one.
        """
        if (actual := self.chain_id()) != chain_id:
            raise WrongChainError(public_name(str(self._providers[0].endpoint_uri)), chain_id, actual)

    def block(self, at: str | int) -> BlockRef:
        """The block with this number or tag ("finalized", "safe", "latest").

        Raises:
            MalformedAnswerError: the chain has no such block.
        """
        return self.blocks_at([at])[0]

    def blocks(self, numbers: Iterable[int]) -> dict[int, BlockRef]:
        """These blocks by number."""
        wanted = sorted(set(numbers))
        return dict(zip(wanted, self.blocks_at(wanted), strict=True))

    def blocks_at(self, places: Sequence[str | int]) -> list[BlockRef]:
        """The blocks with these numbers or tags, in order."""
        answers = self._ask_each(places, lambda web3, at: web3.eth.get_block(at))
        return [
            BlockRef(block["number"], bytes(block["hash"]), bytes(block["parentHash"]), block["timestamp"])
            for block in answers
        ]

    def check_still_there(self, block: BlockRef) -> None:
        """Nothing, if the chain still has this block.

        Raises:
            ReorgDetectedError: it was replaced.
        """
        if self.block(block.number).hash != block.hash:
            raise ReorgDetectedError(f"{self.name} block {block.number} was replaced during the audit; start it again.")

    def logs(self, first: int, last: int, addresses: Sequence[bytes], topics: Sequence[Json] = ()) -> Iterator[Json]:
        """Every log of these contracts from block `first` to `last`, in chain order.

        Args:
            first: the first block.
            last: the last one, included.
            addresses: whose logs.
            topics: as eth_getLogs takes them; none for all.
        """
        step = MOST_BLOCKS
        asked = {"address": [Web3.to_checksum_address(address) for address in addresses], "topics": list(topics)}
        while first <= last:
            until = min(first + step - 1, last)
            question = cast("Any", asked | {"fromBlock": first, "toBlock": until})
            try:
                answer = self._ask(lambda web3, question=question: web3.eth.get_logs(question))  # type: ignore[misc]
            except RpcRejectedError:
                if step == 1:
                    raise
                step = max(1, step // 4)
                continue
            yield from sorted(answer, key=lambda log: (log["blockNumber"], log["logIndex"]))
            first = until + 1

    def blob_hashes(self, transactions: Iterable[bytes]) -> list[tuple[bytes, ...]]:
        """The versioned hashes that each of these transactions carries."""
        answers = self._ask_each(list(transactions), lambda web3, hash_: web3.eth.get_transaction(hash_))
        return [tuple(map(bytes, answer.get("blobVersionedHashes") or ())) for answer in answers]

    def call(self, at: BlockRef, calls: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """What each (contract, calldata) returns in the state after block `at`."""
        block = HexStr("0x" + at.hash.hex())
        questions = [{"to": Web3.to_checksum_address(to), "data": HexStr("0x" + data.hex())} for to, data in calls]
        answers = self._ask_each(questions, lambda web3, question: web3.eth.call(question, block))
        return [bytes(answer) for answer in answers]

    def _ask_each(self, questions: Sequence[Any], ask: Callable[[Web3, Any], Any]) -> list[Any]:
        """The answers to several questions of one kind, asked in batches."""

        def ask_batch(part: Sequence[Any]) -> Callable[[Web3], list[Any]]:
            def run(web3: Web3) -> list[Any]:
                with web3.batch_requests() as batch:
                    for question in part:
                        batch.add(ask(web3, question))
                    return list(batch.execute())

            return run

        answers: list[Any] = []
        for at in range(0, len(questions), MOST_QUESTIONS):
            answers.extend(self._ask(ask_batch(questions[at : at + MOST_QUESTIONS])))
        return answers

    def _ask(self, question: Callable[[Web3], Answer]) -> Answer:
        """The first answer of any node, asked again until the patience ends.

        Nodes that never answered yet are asked once: more likely than away, their address is wrong.

        Raises:
            RpcUnavailableError: none answered.
            RpcRejectedError: a node refuses the question, for good.
            MalformedAnswerError: a node has nothing that fits the question.
        """
        deadline = time.monotonic() + (self._patience_seconds if self._answered else 0)
        while True:
            faults = []
            for provider in self._providers:
                try:
                    answer = question(Web3(provider, middleware=[]))
                except Web3RPCError as error:
                    raise RpcRejectedError(f"{self.name} refuses a question: {error.message}") from error
                except Web3Exception as error:
                    raise MalformedAnswerError(f"{self.name} has no answer that fits: {error}.") from error
                except (OSError, ValueError) as error:  # requests' own errors are OSErrors
                    faults.append(error)
                else:
                    self._answered = True
                    return answer
            if time.monotonic() >= deadline:
                asked = ", ".join(public_name(str(provider.endpoint_uri)) for provider in self._providers)
                reason = _reason(faults[0])
                raise RpcUnavailableError(f"No {self.name} node answers at {asked} ({reason}).") from faults[0]
            time.sleep(_PAUSE_SECONDS)


def _reason(fault: Exception) -> str:
    """Why a node did not answer, in a few words and without its address."""
    response = getattr(fault, "response", None)
    return f"HTTP {response.status_code}" if response is not None else type(fault).__name__
