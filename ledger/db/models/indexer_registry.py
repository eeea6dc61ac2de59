"""Assets and their terms, as AttributionRegistry logged them. Writer: indexer. Insert-only."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, ChainRow
from ledger.db.types import Address, AssetId, ChainSeconds, Hash32, Ppm, Sequence64, Share, SmallCount, Units, Version


class Asset(Base, ChainRow):
    """A registered model, adapter or dataset. The unique content hash serves the look-up of loaded files."""

    __tablename__ = "assets"
    __table_args__ = (
        CheckConstraint("kind IN ('model', 'adapter', 'dataset')", name="kind"),
        UniqueConstraint("content_hash"),
        Index(None, "registrant"),
    )

    asset_id: Mapped[AssetId] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    content_hash: Mapped[Hash32]
    registrant: Mapped[Address]
    uri: Mapped[str]


class AssetOwner(Base, ChainRow):
    """An owner of an asset from this event on, the registrant first; the newest row is the owner now."""

    __tablename__ = "asset_owners"
    # By owner: the assets of one contributor.
    __table_args__ = (Index(None, "owner"), UniqueConstraint("chain_id", "block_hash", "log_index"))

    asset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    block_number: Mapped[Sequence64] = mapped_column(primary_key=True, index=True)
    log_index: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[Address]


class Terms(Base, ChainRow):
    """A version of an asset's money rules; in force from `effective_at` until the next version's.

    The index serves "the version in force at t": newest version with `effective_at <= t`, else version 1.
    """

    __tablename__ = "terms"
    __table_args__ = (
        CheckConstraint("mode IN ('fixed', 'operator')", name="mode"),
        Index(None, "asset_id", "effective_at"),
    )

    asset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    version: Mapped[Version] = mapped_column(primary_key=True)
    effective_at: Mapped[ChainSeconds]
    royalty_ppm: Mapped[Ppm]
    data_ppm: Mapped[Ppm]
    min_child_ppm: Mapped[Ppm]
    floor_input_price_units: Mapped[Units]
    floor_output_price_units: Mapped[Units]
    mode: Mapped[str]


class Split(Base, ChainRow):
    """One payee of an asset's own pot, in the order given."""

    __tablename__ = "splits"
    __table_args__ = (Index(None, "payee"),)

    asset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    version: Mapped[Version] = mapped_column(primary_key=True)
    position: Mapped[SmallCount] = mapped_column(primary_key=True)
    payee: Mapped[Address]
    ppm: Mapped[Ppm]


class Parent(Base, ChainRow):
    """One parent of an asset, in the order given. By parent: the children that pay it."""

    __tablename__ = "parents"
    __table_args__ = (Index(None, "parent_asset_id"),)

    asset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    version: Mapped[Version] = mapped_column(primary_key=True)
    position: Mapped[SmallCount] = mapped_column(primary_key=True)
    parent_asset_id: Mapped[AssetId]
    ppm: Mapped[Ppm]


class AdmittedDataset(Base, ChainRow):
    """A dataset that receipts of this asset may name. By dataset: the assets that admit it."""

    __tablename__ = "admitted_datasets"
    __table_args__ = (Index(None, "dataset_id"),)

    asset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    version: Mapped[Version] = mapped_column(primary_key=True)
    position: Mapped[SmallCount] = mapped_column(primary_key=True)
    dataset_id: Mapped[AssetId]


class EffectiveShare(Base, ChainRow):
    """A payee's part of an asset version's royalty, flattened over parents; units of 1e-12, sum exactly 1e12.

    By payee: every asset version from which one contributor earns.
    """

    __tablename__ = "effective_shares"
    __table_args__ = (Index(None, "payee"),)

    asset_id: Mapped[AssetId] = mapped_column(primary_key=True)
    version: Mapped[Version] = mapped_column(primary_key=True)
    position: Mapped[SmallCount] = mapped_column(primary_key=True)
    payee: Mapped[Address]
    share: Mapped[Share]
