"""Contributor lists and their rows, as AttributionRegistry logged them. Writer: indexer.

Rows of a list that is not complete count for nothing: nobody's terms can name it.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, ChainRow
from ledger.db.types import Address, AssetId, BlockNumber, Count, Hash32, Units


class ContributorList(Base, ChainRow):
    """A list that was committed to; the event that completes it closes the row in place.

    The unique payee serves the look-up of a payee of effective shares.
    """

    __tablename__ = "contributor_lists"
    __table_args__ = (
        UniqueConstraint("payee"),
        Index(None, "publisher"),
        CheckConstraint("count >= 1 AND total_weight >= count", name="weights"),
        {"info": {"closings": ("completed",)}},
    )

    list_id: Mapped[AssetId] = mapped_column(primary_key=True, autoincrement=False)
    payee: Mapped[Address]
    publisher: Mapped[Address]
    root: Mapped[Hash32]
    count: Mapped[Count]
    total_weight: Mapped[Units]
    completed_block_number: Mapped[BlockNumber | None] = mapped_column(index=True)
    completed_block_hash: Mapped[Hash32 | None]
    completed_log_index: Mapped[Count | None]


class Contributor(Base, ChainRow):
    """A row of a list. `cumulative_weight` sums the weights up to and with its own, in the list's order.

    By contributor: every list through which somebody is paid.
    """

    __tablename__ = "contributors"
    __table_args__ = (
        UniqueConstraint("contributor", "list_id"),
        CheckConstraint("weight >= 1 AND cumulative_weight >= weight", name="weights"),
    )

    list_id: Mapped[AssetId] = mapped_column(primary_key=True)
    position: Mapped[Count] = mapped_column(primary_key=True)
    contributor: Mapped[Address]
    weight: Mapped[Units]
    cumulative_weight: Mapped[Units]
