"""What putting receipts on chain costs, transaction by transaction. Writer: indexer."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, ChainRow
from ledger.db.types import ChainId, Count, Hash32, RangedInteger, Units


class TransactionCost(Base, ChainRow):
    """A transaction that posted blobs, committed or refilled a batch, or finalised one; its event is the first of these.

    Gas is in no log, so it is asked for afterwards: NULL until a node has told. The node's word is all there is for it,
    and no money rule reads it. Operational: no part of a rebuild's digest. The primary key serves the way here from a
    post, a batch or an event; by `next_attempt_at` of those without gas: what is to be asked for.
    """

    __tablename__ = "transaction_costs"
    __table_args__ = (
        CheckConstraint("purpose IN ('post', 'commit', 'finalize')", name="purpose"),
        Index("ix_transaction_costs_unread", "chain_id", "next_attempt_at", postgresql_where="gas_used IS NULL"),
    )

    chain_id: Mapped[ChainId] = mapped_column(primary_key=True, autoincrement=False)
    block_hash: Mapped[Hash32] = mapped_column(primary_key=True)
    tx_hash: Mapped[Hash32] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    gas_used: Mapped[int | None] = mapped_column(RangedInteger())
    gas_price_wei: Mapped[Units | None]
    blob_gas_used: Mapped[int | None] = mapped_column(RangedInteger())
    blob_gas_price_wei: Mapped[Units | None]
    l1_fee_wei: Mapped[Units | None]
    """What an OP Stack L2 adds for its own data on L1."""
    attempts: Mapped[Count]
    next_attempt_at: Mapped[int] = mapped_column(BigInteger)
