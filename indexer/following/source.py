"""A chain as a node tells it: heads, linked headers and logs, checked to be of one chain before they are used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import lt
from typing import TYPE_CHECKING, Final

from ledger.chain.blocks import BlockRef, Heads, blocks_at, heads, parse_block
from ledger.chain.lag import LagWatch
from ledger.chain.logs import RawLog, log_call, parse_logs
from ledger.chain.quantities import to_data, to_quantity
from ledger.errors import BlockNotFoundError, MalformedAnswerError, ReorgDetectedError
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from ledger.chain.quantities import Json
    from ledger.chain.rpc import RpcCall, RpcClient

TRANSFER_TOPIC: Final = keccak256(b"Transfer(address,address,uint256)")
_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Filter:
    """Which logs are wanted: all of `contracts`, and the token's transfers from or to one of them."""

    contracts: tuple[bytes, ...]
    token: bytes | None = None

    def calls(self, first: int, last: int) -> list[RpcCall]:
        """The JSON-RPC calls for blocks first to last, both included."""
        calls = [log_call(first, last, self.contracts)]
        if self.token is not None:
            ours = [to_data(contract.rjust(_HASH_BYTES, b"\0")) for contract in self.contracts]
            for ends in ([None, ours], [ours]):
                query = {
                    "fromBlock": to_quantity(first),
                    "toBlock": to_quantity(last),
                    "address": to_data(self.token),
                    "topics": [to_data(TRANSFER_TOPIC), *ends],
                }
                calls.append(("eth_getLogs", (query,)))
        return calls

    @property
    def addresses(self) -> frozenset[bytes]:
        return frozenset(self.contracts) | ({self.token} if self.token else frozenset())


@dataclass(frozen=True, slots=True)
class Run:
    """Whole blocks first to last: their logs in chain order, the time of each block with a log, and the headers.

    `headers` holds every block of the run where the run was read linked, else only the last.
    """

    first: int
    last: BlockRef
    logs: tuple[RawLog, ...]
    timestamps: dict[int, int]
    headers: tuple[BlockRef, ...]

    @property
    def size_bytes(self) -> int:
        """Topics and data of the logs."""
        return sum(len(log.data) + _HASH_BYTES * len(log.topics) for log in self.logs)


class ChainSource:
    """One chain's blocks and logs. Thread-safe."""

    def __init__(self, rpc: RpcClient, wanted: Filter) -> None:
        self._rpc = rpc
        self._wanted = wanted
        self._lag = LagWatch(rpc)

    @property
    def chain_id(self) -> int:
        return self._rpc.chain_id

    @property
    def name(self) -> str:
        return self._rpc.name

    def heads(self) -> Heads:
        """The chain's own latest, safe and finalized block."""
        self._lag.look()
        return heads(self._rpc)

    def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        """The canonical blocks with these numbers.

        Raises:
            BlockNotFoundError: the node has not got one of them.
        """
        return blocks_at(self._rpc, numbers)

    def run(self, first: int, last: int) -> Run:
        """Blocks that the chain calls final: their logs, and the header of the last one.

        The header is asked for in the same request: a node that lags answers a range that it has not got with no
        logs at all, and would do so silently. Logs of one block vouch for its hash between them; for a block with a
        single log its header does.

        Raises:
            BlockNotFoundError: the node has not got the last block.
            RpcRejectedError: the range is more than the node answers at once.
            MalformedAnswerError: the answer does not hang together.
        """
        *answers, header = self._rpc.batch([*self._wanted.calls(first, last), _block_call(last)])
        tip = _block(header, last)
        logs = self._logs(answers, first, last)
        times = Counter(log.block_number for log in logs)
        alone = [number for number, count in times.items() if count == 1 and number != last]
        known = (tip, *(self.blocks(alone) if alone else ()))
        hashes = {log.block_number: log.block_hash for log in logs} | {block.number: block.hash for block in known}
        if any(hashes[log.block_number] != log.block_hash for log in logs):
            raise MalformedAnswerError(f"{self.name} answered logs that differ about the hash of their block.")
        return Run(first, tip, logs, self._timestamps(logs, known), (tip,))

    def linked_run(self, parent: BlockRef, last: int) -> Run:
        """Blocks on top of `parent` that may still be replaced, each linked to the one before.

        Raises:
            ReorgDetectedError: they do not stand on `parent`, or a log is of another block than the header.
            Errors as `run`.
        """
        first = parent.number + 1
        calls = [*self._wanted.calls(first, last), *map(_block_call, range(first, last + 1))]
        answers = self._rpc.batch(calls)
        at = len(calls) - (last - parent.number)
        headers = tuple(_block(answer, first + i) for i, answer in enumerate(answers[at:]))
        _check_links(parent, headers)
        logs = self._logs(answers[:at], first, last)
        hashes = {header.number: header.hash for header in headers}
        if any(hashes[log.block_number] != log.block_hash for log in logs):
            raise ReorgDetectedError(f"{self.name} changed while it was read.")
        return Run(first, headers[-1], logs, self._timestamps(logs, headers), headers)

    def _logs(self, answers: Sequence[Json], first: int, last: int) -> tuple[RawLog, ...]:
        """The logs of all answers, each once, in chain order."""
        logs = [log for answer in answers for log in parse_logs(answer)]
        _check_logs(logs, first, last, self._wanted.addresses)
        places = [(log.block_number, log.log_index) for log in logs]
        if all(map(lt, places, places[1:])):
            return tuple(logs)
        by_place: dict[tuple[int, int], RawLog] = {}
        for place, log in zip(places, logs, strict=True):
            if by_place.setdefault(place, log) != log:
                raise MalformedAnswerError(f"{self.name} answered two different logs for one place.")
        return tuple([by_place[place] for place in sorted(by_place)])

    def _timestamps(self, logs: Sequence[RawLog], headers: Sequence[BlockRef]) -> dict[int, int]:
        """The time of every block with a log; blocks are asked for only where the node's logs do not tell."""
        times = {log.block_number: log.block_timestamp for log in logs}
        times.update({h.number: h.timestamp for h in headers if h.number in times})
        missing = [number for number, time in times.items() if time is None]
        for block in self.blocks(missing) if missing else ():
            times[block.number] = block.timestamp
        return {number: time for number, time in times.items() if time is not None}


def _block_call(number: int) -> RpcCall:
    return "eth_getBlockByNumber", (to_quantity(number), False)


def _block(answer: Json, number: int) -> BlockRef:
    if answer is None:
        raise BlockNotFoundError(f"The node has not got block {number} yet.")
    block = parse_block(answer)
    if block.number != number:
        raise MalformedAnswerError(f"A node answered block {block.number} for block {number}.")
    return block


def _check_links(parent: BlockRef, headers: Sequence[BlockRef]) -> None:
    before = parent
    for header in headers:
        if header.parent_hash != before.hash:
            raise ReorgDetectedError(f"Block {header.number} does not stand on the block read before it.")
        before = header


def _check_logs(logs: Sequence[RawLog], first: int, last: int, addresses: AbstractSet[bytes]) -> None:
    """A node that answers what was not asked for is not believed."""
    if any(not first <= log.block_number <= last for log in logs) or not {log.address for log in logs} <= addresses:
        raise MalformedAnswerError("A node answered a log that was not asked for.")
    hashes = {len(hash_) for log in logs for hash_ in (log.block_hash, log.tx_hash)}
    if hashes - {_HASH_BYTES} or any(not 0 <= log.log_index < 2**31 for log in logs):
        raise MalformedAnswerError("A node answered a log of another form.")
