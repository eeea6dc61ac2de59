"""Roots, claims and recipients, as RoyaltyDistributor logged them. Writer: indexer."""

from __future__ import annotations

from sqlalchemy import ARRAY, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, ChainRow, LogRow
from ledger.db.types import Address, BlockNumber, ChainSeconds, Count, Hash32, Sequence64, Units


class DistributionRoot(Base, ChainRow):
    """A root that a quorum submitted; disabling closes the row in place. Claimable from `activates_at`."""

    __tablename__ = "distribution_roots"
    __table_args__ = (Index(None, "disabled_block_number"), {"info": {"closings": ("disabled",)}})

    root_index: Mapped[Sequence64] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[Hash32]
    total_cumulative_units: Mapped[Units]
    through_l2_block: Mapped[Sequence64]
    through_l2_block_hash: Mapped[Hash32]
    data_hash: Mapped[Hash32]
    activates_at: Mapped[ChainSeconds]
    attesters: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    tx_hash: Mapped[Hash32]
    disabled_by: Mapped[Address | None]
    disabled_block_number: Mapped[BlockNumber | None]
    disabled_block_hash: Mapped[Hash32 | None]
    disabled_log_index: Mapped[Count | None]


class Claim(Base, LogRow):
    """A payment to a payee's recipient. By payee: what a contributor was paid."""

    __tablename__ = "claims"
    __table_args__ = (Index(None, "payee"), Index(None, "root_index"))

    payee: Mapped[Address]
    recipient: Mapped[Address]
    root_index: Mapped[Sequence64]
    amount_units: Mapped[Units]
    cumulative_units: Mapped[Units]
    tx_hash: Mapped[Hash32]


class SkippedClaim(Base, LogRow):
    """A pushed claim that its recipient could not take. By payee: why a contributor was not paid."""

    __tablename__ = "skipped_claims"
    __table_args__ = (Index(None, "payee"),)

    payee: Mapped[Address]
    root_index: Mapped[Sequence64]
    reason: Mapped[bytes]


class Recipient(Base, LogRow):
    """Where a payee wants to be paid from this event on; the newest row counts, the zero address is itself."""

    __tablename__ = "recipients"
    __table_args__ = (Index(None, "payee"),)

    payee: Mapped[Address]
    recipient: Mapped[Address]
