"""What the indexer knows of the chains themselves. Writer: indexer."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, LogRow
from ledger.db.types import Address, BlockNumber, ChainId, ChainSeconds, Count, Hash32


class Block(Base):
    """A block above `finalized`, or that one itself: what a reorg is noticed by.

    Older ones are forgotten: events carry their own block's time. Operational: no part of a rebuild's digest.
    The primary key serves the walk back by number.
    """

    __tablename__ = "blocks"

    chain_id: Mapped[ChainId] = mapped_column(primary_key=True)
    number: Mapped[BlockNumber] = mapped_column(primary_key=True)
    hash: Mapped[Hash32]
    parent_hash: Mapped[Hash32]
    timestamp: Mapped[ChainSeconds]


class Head(Base):
    """The block that a chain's own tag names: `latest`, `safe` or `finalized`.

    A row of `block_number` has the finality of the strongest tag whose `number` is not below it.
    Never above what the cursor has read, so that "finalized" is also "indexed".
    """

    __tablename__ = "heads"

    chain_id: Mapped[ChainId] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[BlockNumber]
    hash: Mapped[Hash32]
    timestamp: Mapped[ChainSeconds]


class Cursor(Base):
    """The last block whose events are in the tables; moves in the transaction that writes them.

    A writer advances it by compare-and-set on `(number, hash)`: a second writer finds another head and stops.
    `deployment_hash` ties the rows to one set of contracts.
    """

    __tablename__ = "cursors"

    chain_id: Mapped[ChainId] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[BlockNumber]
    hash: Mapped[Hash32]
    deployment_hash: Mapped[Hash32]
    reorgs: Mapped[Count]
    deepest_reorg_blocks: Mapped[Count]


class Deployment(Base):
    """The deployment file that the rows were made with, as it stands, so that readers need no chain.

    Written when the cursors are: `deployment_hash` is the keccak256 of its canonical JSON.
    """

    __tablename__ = "deployments"

    l2_chain_id: Mapped[ChainId] = mapped_column(primary_key=True, autoincrement=False)
    l1_chain_id: Mapped[ChainId]
    document: Mapped[dict[str, Any]] = mapped_column(JSONB)
    deployment_hash: Mapped[Hash32]


class Event(Base, LogRow):
    """One log of our contracts, or of the token where it touches them.

    `timestamp` is its block's. `name` is NULL for a log that no ABI of ours decodes; `args` then holds its raw topics
    and data. In `args`, addresses and bytes are 0x hex, integers are decimal strings, structs are objects.
    The primary key serves rows of other tables that ask for their event's transaction and time.
    """

    __tablename__ = "events"

    timestamp: Mapped[ChainSeconds]
    tx_hash: Mapped[Hash32]
    address: Mapped[Address]
    name: Mapped[str | None]
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)
