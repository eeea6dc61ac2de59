"""What the steps work with: the database, the L2, the attesters, and how much to do at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session, sessionmaker

    from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
    from ledger.chain.rpc import RpcClient
    from settlement.attester_client import AttesterClient
    from settlement.scope import Scope
    from settlement.transactions import TransactionLog


@dataclass(frozen=True, slots=True)
class PushPolicy:
    """Which claims settlement pays the gas for, and how it packs them."""

    least_units: int
    """A payee is pushed when it is owed at least this much; below, it can still claim by itself."""
    claims_per_transaction: int
    transactions_in_flight: int


@dataclass(frozen=True, slots=True)
class Connections:
    """Everything outside that a step touches."""

    scope: Scope
    sessions: sessionmaker[Session]
    rpc: RpcClient
    distributor: RoyaltyDistributor
    transactions: TransactionLog
    attesters: Sequence[AttesterClient]
    policy: PushPolicy
