"""What a valid batch's blobs hold. Writer: indexer. Insert-only; rows fall with their batch.

No chain columns: at tens of millions of rows they would cost more than the row, and `batches` has them.
"""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base
from ledger.db.types import (
    Address,
    AssetId,
    Count,
    Digest31,
    Sequence64,
    SmallCount,
    UnitCount,
    Units,
    Version,
)

RECEIPT_PARTITION_PREFIX = "receipts_from_"
"""Name of a partition: this, and the first batch id that it holds."""

RECEIPT_PARTITION_BATCHES = 4096
"""Batches a partition of `receipts` holds: at most 50 million receipts."""


class Receipt(Base):
    """A receipt as posted: `position` is its index in the batch, where it stands by (payer, seq).

    Partitioned by batch. One payer's receipts of a batch stand side by side, so a payer's list goes through
    `charges` to a range of the primary key. By digest: the batch and position of a receipt in hand.
    `started_at` is what the operator says (baseTime + offset, which can pass a uint40), `asset_version` the version
    of the asset's terms by which it is split.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        Index(None, "digest31", postgresql_using="hash"),
        {"postgresql_partition_by": "RANGE (batch_id)"},
    )

    batch_id: Mapped[Sequence64] = mapped_column(primary_key=True, autoincrement=False)
    fill: Mapped[SmallCount] = mapped_column(primary_key=True)
    position: Mapped[UnitCount] = mapped_column(primary_key=True)
    seq: Mapped[Sequence64]
    digest31: Mapped[Digest31]
    payer: Mapped[Address]
    asset_id: Mapped[AssetId]
    asset_version: Mapped[Version]
    set_position: Mapped[UnitCount]
    fee_units: Mapped[Units]
    cumulative_fee_units: Mapped[Units]
    input_units: Mapped[UnitCount]
    output_units: Mapped[UnitCount]
    started_at: Mapped[Sequence64]


class AttributionSet(Base):
    """A set as posted: `set_position` is the FE where it starts, as receipts name it; entries by rising asset id."""

    __tablename__ = "attribution_sets"

    batch_id: Mapped[Sequence64] = mapped_column(primary_key=True, autoincrement=False)
    fill: Mapped[SmallCount] = mapped_column(primary_key=True)
    set_position: Mapped[UnitCount] = mapped_column(primary_key=True)
    asset_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    ppms: Mapped[list[int]] = mapped_column(ARRAY(Integer))


class BatchSum(Base):
    """Sum over a valid batch's receipts of fee x weight (ppm) for one asset version and one dataset version.

    Dataset 0, version 0 is the part that the asset's own terms share out. What settlement adds up.
    """

    __tablename__ = "batch_sums"
    # What one asset or one dataset earned, batch by batch.
    __table_args__ = (
        Index(None, "asset_id", "asset_version"),
        Index(None, "dataset_id", "dataset_version"),
    )

    batch_id: Mapped[Sequence64] = mapped_column(primary_key=True, autoincrement=False)
    fill: Mapped[SmallCount] = mapped_column(primary_key=True)
    asset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    asset_version: Mapped[Version] = mapped_column(primary_key=True)
    dataset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    dataset_version: Mapped[Version] = mapped_column(primary_key=True)
    weighted_fee_units: Mapped[Units]
    receipts: Mapped[Count]
