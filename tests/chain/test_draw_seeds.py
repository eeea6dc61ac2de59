"""The draw's seed, from a real L1: the first final block that is a minute younger than the commit."""

from __future__ import annotations

from contextlib import closing

import pytest

from ledger.chain.blocks import block_at
from ledger.chain.rpc import RpcClient
from ledger.protocol.draw import DRAW_DELAY_SECONDS
from settlement.draw.seeds import L1Seeds
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain


def test_the_seed_is_that_of_the_first_final_block_a_minute_after_the_commit() -> None:
    with Devnet.start() as devnet, closing(RpcClient([devnet.l1_url], devnet.l1_chain_id, name="L1")) as l1:
        devnet.l1.call("anvil_mine", hex(90), hex(12))
        seeds, final = L1Seeds(l1, 0), block_at(l1, "finalized")
        assert seeds.now() == final.timestamp
        assert seeds.after(block_at(l1, "latest").timestamp) is None
        assert seeds.after(final.timestamp) is None
        for number in range(final.number - 12, final.number - 6):
            committed_at = block_at(l1, number).timestamp
            seed = seeds.after(committed_at)
            assert seed is not None
            assert (seed.block, seed.timestamp) == (number + 5, block_at(l1, number + 5).timestamp)
            assert seed.timestamp == committed_at + DRAW_DELAY_SECONDS
        drawn = {seeds.after(block_at(l1, n).timestamp) for n in range(final.number - 12, final.number - 6)}
        assert len({seed.prevrandao for seed in drawn if seed}) == 6  # another block, another number
