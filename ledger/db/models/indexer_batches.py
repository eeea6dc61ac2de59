"""Batches as ReceiptLedger logged them, with the verdict on their blobs. Writer: indexer."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Computed,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, ChainRow
from ledger.db.types import (
    Address,
    BlockNumber,
    ChainSeconds,
    Count,
    Hash32,
    Lane,
    Sequence64,
    SmallCount,
    UnitCount,
    Units,
)

_STATUS = (
    "CASE WHEN finalized_block_number IS NOT NULL THEN 'finalized'"
    " WHEN voided_block_number IS NOT NULL THEN 'voided' ELSE 'open' END"
)


class Batch(Base, ChainRow):
    """One filling of a batch: `fill` 0 is the first commit, each refill after a void is the next.

    The row's event is the commit or refill. `finalized_*` and `voided_*` close it in place and are emptied again
    when their block falls. `verdict` says what the blobs were worth: `pending` until all are in the archive, then
    `valid` (its receipts and sums are written) or `invalid` (a finding says why; nothing of it counts).
    Settlement counts `status = 'finalized' AND verdict = 'valid'`, and waits while any finalised one is pending.
    """

    __tablename__ = "batches"
    __table_args__ = (
        CheckConstraint("verdict IN ('pending', 'valid', 'invalid')", name="verdict"),
        UniqueConstraint("chain_id", "block_hash", "log_index"),
        # From (operator, lane, seq) to the batch that holds it; also an operator's batches in order.
        Index(None, "operator", "lane", "first_seq"),
        # What an operator committed lately, and how long it paused.
        Index(None, "operator", "first_committed_at"),
        # What settlement reads: everything finalised up to a block.
        Index(None, "finalized_block_number"),
        Index(None, "voided_block_number"),
        Index(None, "post_hash"),
        # The verifier's work list.
        Index("ix_batches_pending", "batch_id", postgresql_where="verdict = 'pending'"),
        {"info": {"closings": ("finalized", "voided")}},
    )

    batch_id: Mapped[Sequence64] = mapped_column(primary_key=True, autoincrement=False)
    fill: Mapped[SmallCount] = mapped_column(primary_key=True)
    tx_hash: Mapped[Hash32]
    operator: Mapped[Address]
    lane: Mapped[Lane]
    first_seq: Mapped[Sequence64]
    count: Mapped[UnitCount]
    payer_count: Mapped[UnitCount]
    set_fe_count: Mapped[UnitCount]
    total_fee_units: Mapped[Units]
    blob_count: Mapped[SmallCount]
    base_time: Mapped[ChainSeconds]
    attribution_method: Mapped[Hash32]
    attribution_params_hash: Mapped[Hash32]
    batch_commitment: Mapped[Hash32]
    post_hash: Mapped[Hash32]
    versioned_hashes: Mapped[list[bytes]] = mapped_column(ARRAY(LargeBinary))
    reserve_units: Mapped[Units]
    committed_at: Mapped[ChainSeconds]
    first_committed_at: Mapped[ChainSeconds]
    terms_from: Mapped[ChainSeconds]
    attested_at: Mapped[ChainSeconds]
    verdict: Mapped[str]
    finalized_block_number: Mapped[BlockNumber | None]
    finalized_block_hash: Mapped[Hash32 | None]
    finalized_log_index: Mapped[Count | None]
    finalized_at: Mapped[ChainSeconds | None]
    voided_block_number: Mapped[BlockNumber | None]
    voided_block_hash: Mapped[Hash32 | None]
    voided_log_index: Mapped[Count | None]
    voided_at: Mapped[ChainSeconds | None]
    voided_fault: Mapped[Hash32 | None]
    voided_challenger: Mapped[Address | None]
    status: Mapped[str] = mapped_column(Text, Computed(_STATUS, persisted=True))


class Charge(Base, ChainRow):
    """What a batch charged one payer, in the order of charges[]. By payer: a payer's statement."""

    __tablename__ = "charges"
    __table_args__ = (
        ForeignKeyConstraint(["batch_id", "fill"], ["batches.batch_id", "batches.fill"], ondelete="CASCADE"),
        Index(None, "payer", "batch_id"),
    )

    batch_id: Mapped[Sequence64] = mapped_column(primary_key=True)
    fill: Mapped[SmallCount] = mapped_column(primary_key=True)
    position: Mapped[UnitCount] = mapped_column(primary_key=True)
    payer: Mapped[Address]
    amount_units: Mapped[Units]
