"""Blocks by time, found with few questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.blocks import BlockRef, block_at

if TYPE_CHECKING:
    from ledger.chain.rpc import RpcClient


def first_block_since(rpc: RpcClient, second: int) -> BlockRef:
    """The earliest block that is not older than `second`; the latest one if all are.

    By interpolation and bisection in turn: chains are regular, but their clocks need not be.
    """
    low, high = block_at(rpc, 0), block_at(rpc, "latest")
    if low.timestamp >= second:
        return low
    halve = False
    while high.number - low.number > 1 and high.timestamp >= second:
        span, blocks = high.timestamp - low.timestamp, high.number - low.number
        step = blocks // 2 if halve else blocks * (second - low.timestamp) // max(span, 1)
        halve = not halve
        middle = block_at(rpc, low.number + min(max(step, 1), blocks - 1))
        if middle.timestamp >= second:
            high = middle
        else:
            low = middle
    return high


def blocks_of_second(rpc: RpcClient, second: int) -> list[BlockRef]:
    """Every block with this timestamp; none if the chain has no such block."""
    found, block, latest = [], first_block_since(rpc, second), block_at(rpc, "latest").number
    while block.timestamp == second:
        found.append(block)
        if block.number >= latest:
            break
        block = block_at(rpc, block.number + 1)
    return found
