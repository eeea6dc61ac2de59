"""What settlement decided, who signed it, and every transaction it sent. One writer: `settlement`.

Authored, not rebuildable: the state machine of each distribution, the attesters' answers and the exact bytes of
each signed transaction, all written before they take effect outside. Amounts are recomputable from the index.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, Text, UniqueConstraint, func
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
    Sequence64,
    Units,
)

STATES = ("computed", "attested", "submitted", "active", "paying", "paid", "refused", "disabled", "superseded")
"""Life of a distribution, in order; the last four are ends (see `settlement.states`)."""

PURPOSES = ("submit_root", "claim_many")

AnyTime = TIMESTAMP(timezone=True)


class AttesterConsent(Base):
    """A payer's consent as an attester was given it. Append-only; writer: settlement (the attester)."""

    __tablename__ = "attester_consents"
    __table_args__ = (Index(None, "payer"),)

    digest: Mapped[Hash32] = mapped_column(primary_key=True)
    payer: Mapped[Address]
    operator: Mapped[Address]
    valid_from: Mapped[ChainSeconds]
    valid_until: Mapped[ChainSeconds]
    signature: Mapped[bytes] = mapped_column(FixedBytes(65))


class DrawnReceipt(Base):
    """What came of a receipt that the draw named. Writer: settlement (the attester).

    `held`: opened, and its set is that of the texts. `silent`: not opened (yet). `different`: opened, and wrong.
    """

    __tablename__ = "drawn_receipts"
    __table_args__ = (CheckConstraint("outcome IN ('held', 'silent', 'different')", name="outcome"),)

    digest31: Mapped[bytes] = mapped_column(FixedBytes(31), primary_key=True)
    batch_id: Mapped[Sequence64]
    position: Mapped[Count]
    operator: Mapped[Address]
    seed_block: Mapped[BlockNumber]
    outcome: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    looked_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class SettledDistribution(Base):
    """One distribution from its computation to its end. Writer: settlement (the state), rows are never deleted.

    `root_index`, `root`, … are the message that attesters sign. `reason` says in one sentence why a distribution
    was refused, disabled or superseded. The partial unique index lets only one wait for its submission: the next
    root index is taken by whoever submits first.
    """

    __tablename__ = "distributions"
    __table_args__ = (
        CheckConstraint("state IN (" + ", ".join(f"'{name}'" for name in STATES) + ")", name="state"),
        Index(
            "uq_distributions_unsubmitted",
            "chain_id",
            "distributor",
            unique=True,
            postgresql_where="state IN ('computed', 'attested')",
        ),
        # From a root on chain to its file, and the history in order.
        Index(None, "distributor", "root_index"),
        Index(None, "data_hash"),
    )

    distribution_id: Mapped[Sequence64] = mapped_column(Identity(always=True), primary_key=True)
    chain_id: Mapped[ChainId]
    distributor: Mapped[Address]
    token: Mapped[Address]
    root_index: Mapped[Sequence64]
    root: Mapped[Hash32]
    total_cumulative_units: Mapped[Units]
    through_l2_block: Mapped[BlockNumber]
    through_l2_block_hash: Mapped[Hash32]
    data_hash: Mapped[Hash32] = mapped_column(FixedBytes(32), ForeignKey("distribution_files.data_hash"))
    fees_units: Mapped[Units]
    payees: Mapped[Count]
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    activates_at: Mapped[ChainSeconds | None]
    computed_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())
    changed_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class Entitlement(Base):
    """What one payee of a distribution has earned since the beginning. Insert-only.

    `numerator` is exact, over 10^30; `cumulative_units` is its floor. `leaf_position` is the payee's place in the
    tree's nodes, NULL for a payee that has not earned a whole unit yet. By payee: a contributor's history.
    """

    __tablename__ = "entitlements"
    __table_args__ = (Index(None, "payee"),)

    distribution_id: Mapped[Sequence64] = mapped_column(
        ForeignKey("distributions.distribution_id"), primary_key=True, autoincrement=False
    )
    payee: Mapped[Address] = mapped_column(primary_key=True)
    numerator: Mapped[Units]
    cumulative_units: Mapped[Units]
    leaf_position: Mapped[Count | None]


class DistributionFile(Base):
    """A distribution file by its keccak256. Insert-only; stored uncompressed so that a slice reads only its pages."""

    __tablename__ = "distribution_files"

    data_hash: Mapped[Hash32] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class DistributionTreeNodes(Base):
    """The tree's 2n - 1 nodes of 32 bytes, root first, so that a proof is read without building the tree again."""

    __tablename__ = "distribution_trees"

    distribution_id: Mapped[Sequence64] = mapped_column(
        ForeignKey("distributions.distribution_id"), primary_key=True, autoincrement=False
    )
    nodes: Mapped[bytes] = mapped_column(LargeBinary)


class Attestation(Base):
    """An attester's answer to a proposal: its signature, or the sentence why it refuses. Newest answer counts."""

    __tablename__ = "attestations"
    __table_args__ = (CheckConstraint("(signature IS NULL) <> (refusal IS NULL)", name="answer"),)

    distribution_id: Mapped[Sequence64] = mapped_column(
        ForeignKey("distributions.distribution_id"), primary_key=True, autoincrement=False
    )
    attester: Mapped[Address] = mapped_column(primary_key=True)
    signature: Mapped[bytes | None] = mapped_column(FixedBytes(65))
    refusal: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class SignedAttestation(Base):
    """An attester's own log of what it put its name to, written before the signature leaves. Insert-only.

    Kept in the attester's own database, which need not be the proposer's.
    """

    __tablename__ = "signed_attestations"

    attester: Mapped[Address] = mapped_column(primary_key=True)
    digest: Mapped[Hash32] = mapped_column(primary_key=True)
    chain_id: Mapped[ChainId]
    distributor: Mapped[Address]
    root_index: Mapped[Sequence64]
    root: Mapped[Hash32]
    total_cumulative_units: Mapped[Units]
    through_l2_block: Mapped[BlockNumber]
    through_l2_block_hash: Mapped[Hash32]
    data_hash: Mapped[Hash32]
    signature: Mapped[bytes] = mapped_column(FixedBytes(65))
    signed_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())


class PushedClaim(Base):
    """A payee whose claim settlement pushes, and in which transaction's chunk. Insert-only."""

    __tablename__ = "pushed_claims"
    __table_args__ = (Index(None, "distribution_id", "chunk"),)

    distribution_id: Mapped[Sequence64] = mapped_column(
        ForeignKey("distributions.distribution_id"), primary_key=True, autoincrement=False
    )
    payee: Mapped[Address] = mapped_column(primary_key=True)
    chunk: Mapped[Count]


class SettlementTransaction(Base):
    """A signed transaction, recorded before it is first sent; what came of it is filled in later.

    Attempts at one effect share (distribution, purpose, chunk). `outcome` is NULL while it may still be mined,
    then `mined`, `reverted`, or `replaced` when another transaction took its nonce.
    """

    __tablename__ = "settlement_transactions"
    __table_args__ = (
        CheckConstraint("purpose IN (" + ", ".join(f"'{name}'" for name in PURPOSES) + ")", name="purpose"),
        CheckConstraint("outcome IN ('mined', 'reverted', 'replaced')", name="outcome"),
        UniqueConstraint("tx_hash"),
        Index(None, "distribution_id", "purpose", "chunk"),
        # What may still be mined, and the nonces it holds.
        Index("ix_settlement_transactions_open", "sender", "nonce", postgresql_where="outcome IS NULL"),
    )

    transaction_id: Mapped[Sequence64] = mapped_column(Identity(always=True), primary_key=True)
    distribution_id: Mapped[Sequence64] = mapped_column(ForeignKey("distributions.distribution_id"))
    purpose: Mapped[str] = mapped_column(Text)
    chunk: Mapped[Count]
    sender: Mapped[Address]
    nonce: Mapped[Sequence64]
    tx_hash: Mapped[Hash32]
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    recorded_at: Mapped[datetime] = mapped_column(AnyTime, server_default=func.now())
    outcome: Mapped[str | None] = mapped_column(Text)
    block_number: Mapped[BlockNumber | None]
    block_hash: Mapped[Hash32 | None]
    gas_used: Mapped[Sequence64 | None]
    fee_wei: Mapped[Units | None]
