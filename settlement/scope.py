"""Which contracts a distribution belongs to, and the protocol's immutable share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.protocol.domain import Domain

if TYPE_CHECKING:
    from ledger.protocol.entitlement import ProtocolShare


@dataclass(frozen=True, slots=True)
class Scope:
    """One RoyaltyDistributor on one L2, its token, and who takes the protocol's part of every fee."""

    chain_id: int
    distributor: bytes
    token: bytes
    protocol: ProtocolShare

    @property
    def domain(self) -> Domain:
        """The EIP-712 domain under which attesters sign."""
        return Domain(self.chain_id, self.distributor)


@dataclass(frozen=True, slots=True)
class ThroughBlock:
    """The L2 block up to which finalised batches count."""

    number: int
    hash: bytes
