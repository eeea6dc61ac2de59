"""What the contract holds under an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.errors import ContractRevertedError

if TYPE_CHECKING:
    from ledger.chain.structs import Root
    from settlement.connections import Connections


def held_root(connections: Connections, root_index: int) -> Root | None:
    """The root under this index in the latest block; None if there is none."""
    try:
        return connections.distributor.root(root_index, at="latest")
    except ContractRevertedError as error:
        if error.error_name == "DistributorRootUnknown":
            return None
        raise
