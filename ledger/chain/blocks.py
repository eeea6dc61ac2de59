"""Blocks by number, hash and finality tag, and how a read names the block it is made at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ledger.chain.quantities import Json, data, member, quantity, to_data, to_quantity
from ledger.chain.rpc import RpcCall, RpcClient
from ledger.errors import BlockNotFoundError, MalformedAnswerError

Tag = Literal["latest", "safe", "finalized"]
_NO_BODIES: Final = False


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block; `timestamp` in Unix seconds."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Heads:
    """The chain's own view of itself: latest >= safe >= finalized."""

    latest: BlockRef
    safe: BlockRef
    finalized: BlockRef


At = BlockRef | int | Tag
"""Where a read is made. A BlockRef is read by its hash (EIP-1898): if it was replaced, the read
fails instead of answering from another block."""


def block_parameter(at: At) -> Json:
    """The JSON-RPC form of a block to read at."""
    if isinstance(at, BlockRef):
        return {"blockHash": to_data(at.hash), "requireCanonical": True}
    return to_quantity(at) if isinstance(at, int) else at


def block_at(rpc: RpcClient, at: int | Tag) -> BlockRef:
    """The block with this number or tag.

    Raises:
        BlockNotFoundError: the chain has no such block yet.
    """
    answer = rpc.batch([_header_by_number(block_parameter(at))])[0]
    return _required(answer, f"block {at}", rpc.name)


def block_by_hash(rpc: RpcClient, block_hash: bytes) -> BlockRef:
    """The block with this hash, canonical or not.

    Raises:
        BlockNotFoundError: the node doesn't know it.
    """
    answer = rpc.batch([("eth_getBlockByHash", (to_data(block_hash), _NO_BODIES))])[0]
    return _required(answer, f"block 0x{block_hash.hex()}", rpc.name)


def block_range(rpc: RpcClient, first: int, last: int) -> list[BlockRef]:
    """Blocks first to last, both included, asked for together; not checked to be linked."""
    return blocks_at(rpc, range(first, last + 1))


def blocks_at(rpc: RpcClient, numbers: Sequence[int]) -> list[BlockRef]:
    """The blocks with these numbers, in order, asked for together."""
    calls = [_header_by_number(to_quantity(n)) for n in numbers]
    answers = zip(numbers, rpc.batch(calls), strict=True)
    return [_required(answer, f"block {number}", rpc.name) for number, answer in answers]


def heads(rpc: RpcClient) -> Heads:
    """Latest, safe and finalized block, asked for together."""
    tags: tuple[Tag, ...] = ("latest", "safe", "finalized")
    answers = rpc.batch([_header_by_number(tag) for tag in tags])
    return Heads(*(_required(a, f"{t} block", rpc.name) for t, a in zip(tags, answers, strict=True)))


def _header_by_number(parameter: Json) -> RpcCall:
    return "eth_getBlockByNumber", (parameter, _NO_BODIES)


def _required(answer: Json, what: str, chain: str) -> BlockRef:
    if answer is None:
        raise BlockNotFoundError(f"{chain} has no {what}.")
    return parse_block(answer)


def parse_block(answer: Json) -> BlockRef:
    """A block header as a node answers it.

    Raises:
        MalformedAnswerError: a field is missing or of another form.
    """
    if not isinstance(answer, dict):
        raise MalformedAnswerError("A node answered something other than a block.")
    return BlockRef(
        number=quantity(member(answer, "number")),
        hash=data(member(answer, "hash"), 32),
        parent_hash=data(member(answer, "parentHash"), 32),
        timestamp=quantity(member(answer, "timestamp")),
    )
