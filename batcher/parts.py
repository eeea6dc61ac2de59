"""What every step of a job works with, and what it sees of the L2 in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.chain.blocks import heads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batcher.availability import DataLayer
    from batcher.chains import Chains
    from batcher.database import LockedDatabase
    from batcher.proving import ProvingPool
    from batcher.settings import BatcherSettings
    from batcher.states import Layer
    from batcher.transactions import TransactionLog
    from ledger.chain.blob_tx import SidecarVersion
    from ledger.chain.blocks import BlockRef


@dataclass(frozen=True)
class Parts:
    """A batcher's connections and settings."""

    settings: BatcherSettings
    database: LockedDatabase
    chains: Chains
    transactions: TransactionLog
    proving: ProvingPool
    sidecar: SidecarVersion
    layers: Mapping[Layer, DataLayer]


@dataclass(frozen=True, slots=True)
class View:
    """The L2 at one moment; contract reads of a pass are made at `head`."""

    head: BlockRef
    finalized: BlockRef


def look(parts: Parts) -> View:
    """The L2 now."""
    now = heads(parts.chains.l2.rpc)
    return View(now.latest, now.finalized)
