"""An attester's own L2 node: which blocks are final, which root comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.chain.blocks import block_at
from ledger.errors import BlockNotFoundError

if TYPE_CHECKING:
    from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
    from ledger.chain.rpc import RpcClient


class NodeView:
    """What `Attester` asks of a chain, answered by a node."""

    def __init__(self, rpc: RpcClient, distributor: RoyaltyDistributor) -> None:
        self._rpc = rpc
        self._distributor = distributor

    def finalized_hash(self, number: int) -> bytes | None:
        """Hash of a finalised block; None if the chain has not finalised that number yet."""
        try:
            if number > block_at(self._rpc, "finalized").number:
                return None
            return block_at(self._rpc, number).hash
        except BlockNotFoundError:
            return None

    def next_root_index(self) -> int:
        """Index that the next root must have."""
        return self._distributor.next_root_index(at="latest")
