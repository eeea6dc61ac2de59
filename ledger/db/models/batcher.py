"""Tables of the batcher: batches on their way to both chains, and every transaction sent for them.

One writer: `batcher`. Authored, not rebuildable: a job holds the exact bytes that were posted, and a transaction's
row is committed before the transaction is first sent, so that a batcher that died resumes without acting twice.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base
from ledger.db.types import (
    Address,
    BlockNumber,
    ChainId,
    ChainSeconds,
    Count,
    FixedBytes,
    Hash32,
    KzgPoint,
    Lane,
    Sequence64,
    SmallCount,
    Units,
)

STATES = (
    "selected",
    "encoded",
    "posted",
    "stored",
    "attested",
    "committed",
    "finalized",
    "voided",
    "superseded",
    "faulted",
)
"""Life of a job, in order; the last four are ends of that filling (see `batcher.states`)."""

PURPOSES = ("authorize", "post", "relay", "commit", "finalize", "refund", "post_demanded", "answer")
DATA_LAYERS = ("ethereum", "altda")
"""Where a job's blobs go: to L1, or behind an Alt-DA server."""
OUTCOMES = ("mined", "reverted", "replaced")

AnyTime = TIMESTAMP(timezone=True)


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


class BatchJob(Base):
    """One batch from its selection to its end. Written by `batcher`; rows are never deleted.

    A job is one filling of a batch: where a filling was voided, the next one (`fill` + 1) holds the same receipts, has
    the batch's id from its beginning, and `first_committed_at` of the first commit. `committed_at` is its own.

    Which receipts it holds is fixed when it is selected, its bytes when it is encoded. `state` is the last one that
    the batcher saw; the chains decide, and a reorg takes a job back. `fault` says in one sentence why it ended badly.
    `data_commitment` names the blobs behind the Alt-DA server; `void_fault` is what a challenge proved of the filling.
    """

    __tablename__ = "batch_jobs"
    __table_args__ = (
        CheckConstraint(_one_of("state", STATES), name="state_known"),
        CheckConstraint("count > 0", name="count_positive"),
        CheckConstraint("(state = 'faulted') = (fault IS NOT NULL)", name="fault_told"),
        CheckConstraint(_one_of("data_layer", DATA_LAYERS), name="data_layer_known"),
        # A lane's receipts are cut once, and a hole filled once: two batchers that both do it fail at the second.
        UniqueConstraint(
            "chain_id", "ledger_address", "operator", "lane", "first_seq", "fill", name="uq_batch_jobs_filled_once"
        ),
        # What is still under way, in the order it goes out.
        Index(
            "ix_batch_jobs_open",
            "operator",
            "lane",
            "first_seq",
            postgresql_where=text("state NOT IN ('finalized', 'voided', 'superseded', 'faulted')"),
        ),
    )

    job_id: Mapped[Sequence64] = mapped_column(Identity(always=True), primary_key=True)
    chain_id: Mapped[ChainId] = mapped_column()
    ledger_address: Mapped[Address] = mapped_column()
    operator: Mapped[Address] = mapped_column()
    lane: Mapped[Lane] = mapped_column()
    first_seq: Mapped[Sequence64] = mapped_column()
    fill: Mapped[SmallCount] = mapped_column(server_default=text("0"))
    count: Mapped[Count] = mapped_column()
    attribution_method: Mapped[Hash32] = mapped_column()
    attribution_params_hash: Mapped[Hash32] = mapped_column()
    state: Mapped[str] = mapped_column(Text)
    fault: Mapped[str | None] = mapped_column(Text)
    payer_count: Mapped[Count | None] = mapped_column()
    set_fe_count: Mapped[Count | None] = mapped_column()
    total_fee_units: Mapped[Units | None] = mapped_column()
    blob_count: Mapped[SmallCount | None] = mapped_column()
    base_time: Mapped[ChainSeconds | None] = mapped_column()
    post_hash: Mapped[Hash32 | None] = mapped_column(FixedBytes(32))
    batch_commitment: Mapped[Hash32 | None] = mapped_column(FixedBytes(32))
    sidecar_version: Mapped[str | None] = mapped_column(Text)
    shares_deposit: Mapped[bool] = mapped_column(server_default=text("false"))
    data_layer: Mapped[str] = mapped_column(Text, server_default=text("'ethereum'"))
    data_commitment: Mapped[bytes | None] = mapped_column(LargeBinary)
    authorized: Mapped[bool] = mapped_column(server_default=text("false"))
    posted_at: Mapped[ChainSeconds | None] = mapped_column()
    batch_id: Mapped[Sequence64 | None] = mapped_column()
    committed_at: Mapped[ChainSeconds | None] = mapped_column()
    first_committed_at: Mapped[ChainSeconds | None] = mapped_column()
    reserve_units: Mapped[Units | None] = mapped_column()
    terms_from: Mapped[ChainSeconds | None] = mapped_column()
    attested_at: Mapped[ChainSeconds | None] = mapped_column()
    void_fault: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class BatchCharge(Base):
    """What one payer owes for a job's batch. Insert-only; written by `batcher`."""

    __tablename__ = "batch_charges"

    job_id: Mapped[Sequence64] = mapped_column(ForeignKey("batch_jobs.job_id"), primary_key=True, autoincrement=False)
    payer: Mapped[Address] = mapped_column(primary_key=True)
    amount_units: Mapped[Units] = mapped_column()


class BatchBlob(Base):
    """A blob of a job's batch with its proofs, one of 48 bytes or 128 of them. Insert-only; written by `batcher`."""

    __tablename__ = "batch_blobs"
    __table_args__ = (CheckConstraint("octet_length(blob) = 131072", name="blob_length"),)

    job_id: Mapped[Sequence64] = mapped_column(ForeignKey("batch_jobs.job_id"), primary_key=True, autoincrement=False)
    position: Mapped[SmallCount] = mapped_column(primary_key=True, autoincrement=False)
    versioned_hash: Mapped[Hash32] = mapped_column()
    kzg_commitment: Mapped[KzgPoint] = mapped_column()
    proofs: Mapped[bytes] = mapped_column(LargeBinary)
    blob: Mapped[bytes] = mapped_column(LargeBinary)


class BatchTransaction(Base):
    """A signed transaction, recorded before it is first sent; what came of it is filled in. Written by `batcher`.

    Attempts at one effect share (job, purpose). `outcome` is NULL while the transaction may still be mined, then
    `mined`, `reverted`, or `replaced` when another one of its sender took its nonce. `raw` is the canonical form:
    a post's blobs stand in `batch_blobs`. Gas and prices are the chain's own record of what it cost.
    """

    __tablename__ = "batch_transactions"
    __table_args__ = (
        CheckConstraint(_one_of("purpose", PURPOSES), name="purpose_known"),
        CheckConstraint(_one_of("outcome", OUTCOMES), name="outcome_known"),
        UniqueConstraint("tx_hash"),
        Index("ix_batch_transactions_job_id_purpose", "job_id", "purpose"),
        # What may still be mined, and the nonces it holds.
        Index("ix_batch_transactions_open", "chain_id", "sender", "nonce", postgresql_where=text("outcome IS NULL")),
    )

    transaction_id: Mapped[Sequence64] = mapped_column(Identity(always=True), primary_key=True)
    job_id: Mapped[Sequence64] = mapped_column(ForeignKey("batch_jobs.job_id"))
    purpose: Mapped[str] = mapped_column(Text)
    chain_id: Mapped[ChainId] = mapped_column()
    sender: Mapped[Address] = mapped_column()
    nonce: Mapped[Sequence64] = mapped_column()
    tx_hash: Mapped[Hash32] = mapped_column()
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())
    outcome: Mapped[str | None] = mapped_column(Text)
    block_number: Mapped[BlockNumber | None] = mapped_column()
    block_hash: Mapped[Hash32 | None] = mapped_column(FixedBytes(32))
    gas_used: Mapped[Sequence64 | None] = mapped_column()
    gas_price_wei: Mapped[Units | None] = mapped_column()
    blob_gas_used: Mapped[Sequence64 | None] = mapped_column()
    blob_gas_price_wei: Mapped[Units | None] = mapped_column()
    l1_fee_wei: Mapped[Units | None] = mapped_column()


class RelayedPost(Base):
    """A job whose post shares the deposit of a relay transaction. Insert-only; written by `batcher`."""

    __tablename__ = "relayed_posts"

    transaction_id: Mapped[Sequence64] = mapped_column(
        ForeignKey("batch_transactions.transaction_id"), primary_key=True, autoincrement=False
    )
    job_id: Mapped[Sequence64] = mapped_column(ForeignKey("batch_jobs.job_id"), primary_key=True, autoincrement=False)
