"""A distribution ready to be signed: its payouts' tree, its file and the message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import NotYetFinalError
from ledger.protocol.distribution import Distribution, DistributionTree, Payout
from ledger.protocol.entitlement import floor_units
from ledger.protocol.keccak import keccak256
from settlement.distribution_file import DistributionFile, describe
from settlement.uncollected import uncollected

if TYPE_CHECKING:
    from settlement.entitlements import Entitlements
    from settlement.scope import Scope, ThroughBlock


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a proposer proposes and an attester computes for itself; equal inputs give equal bytes."""

    scope: Scope
    file: DistributionFile
    tree: DistributionTree
    content: bytes
    message: Distribution

    @property
    def digest(self) -> bytes:
        """32 bytes that attesters sign."""
        return self.message.digest(self.scope.domain)


def payouts(entitlements: Entitlements) -> list[Payout]:
    """A leaf for each payee that has earned at least one whole unit."""
    owed = ((payee, floor_units(numerator)) for payee, numerator in entitlements.lines)
    return [Payout(payee, units) for payee, units in owed if units]


def propose(scope: Scope, root_index: int, through: ThroughBlock, entitlements: Entitlements) -> Proposal:
    """The distribution of these entitlements under this index.

    Raises:
        NotYetFinalError: nobody has earned a whole unit in a finalised batch yet.
    """
    with uncollected():
        leaves = payouts(entitlements)
        if not leaves:
            raise NotYetFinalError(
                f"Nobody has earned a whole base unit in batches finalised by L2 block {through.number}."
            )
        tree = DistributionTree(leaves, scope.token)
        file = describe(scope, root_index, tree.root, through, entitlements)
        content = file.to_bytes()
    message = Distribution(
        root_index=root_index,
        root=tree.root,
        total_cumulative_units=tree.total_units,
        through_l2_block=through.number,
        through_l2_block_hash=through.hash,
        data_hash=keccak256(content),
    )
    return Proposal(scope, file, tree, content, message)
