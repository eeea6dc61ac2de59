"""Operators' prices and signing keys, as Operators logged them. Writer: indexer."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, ChainRow, LogRow
from ledger.db.types import Address, AssetId, BlockNumber, ChainSeconds, Count, Hash32, Lane, Units


class Price(Base, LogRow):
    """A published price per 1,000 units, in force from `effective_at`. Insert-only.

    The index serves the price of an operator's asset at a time: the newest row not after it.
    """

    __tablename__ = "prices"
    __table_args__ = (Index(None, "operator", "asset_id", "effective_at"),)

    operator: Mapped[Address]
    asset_id: Mapped[AssetId]
    input_price_units: Mapped[Units]
    output_price_units: Mapped[Units]
    effective_at: Mapped[ChainSeconds]


class LaneKey(Base, ChainRow):
    """A key that signs for a lane from `added_at` until `revoked_at`; revoking closes the row in place.

    The unique key serves the look-up of a receipt's signer.
    """

    __tablename__ = "lane_keys"
    __table_args__ = (
        Index(None, "operator", "lane", "key"),
        UniqueConstraint("chain_id", "block_hash", "log_index"),
        {"info": {"closings": ("revoked",)}},
    )

    operator: Mapped[Address] = mapped_column(primary_key=True)
    lane: Mapped[Lane] = mapped_column(primary_key=True)
    key: Mapped[Address] = mapped_column(primary_key=True)
    block_number: Mapped[BlockNumber] = mapped_column(primary_key=True, index=True)
    log_index: Mapped[Count] = mapped_column(primary_key=True)
    added_at: Mapped[ChainSeconds]
    revoked_at: Mapped[ChainSeconds | None]
    revoked_block_number: Mapped[BlockNumber | None] = mapped_column(index=True)
    revoked_block_hash: Mapped[Hash32 | None]
    revoked_log_index: Mapped[Count | None]
