"""The token's double-entry book. Writer: indexer. Insert-only; rows fall with their event."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, LogRow
from ledger.db.types import Address, Count, Sequence64, SignedUnits

INFLOWS = ("payer_deposits_in", "operator_deposits_in", "bonds_in", "demand_deposits_in", "direct_transfers_in")
"""Left side of the conservation identity: where units came from. Their sums are negative."""

HELD = ("escrow", "operator_deposits", "custody", "bonds", "demand_deposits", "distributor", "stray")
"""Right side, held by our contracts: each contract's buckets add up to its token balance."""

OUTFLOWS = (
    "payer_withdrawals",
    "operator_withdrawals",
    "bond_withdrawals",
    "demand_deposits_out",
    "challenger_rewards",
    "burned",
    "paid_out",
    "unexplained_out",
)
"""Right side, gone for good. `unexplained_out` is what left a contract without an event: a finding stands beside it."""

BUCKETS = INFLOWS + HELD + OUTFLOWS


class Movement(Base, LogRow):
    """One side of a move of units: positive into the bucket, negative out of it. Each event's rows add up to zero.

    `contract` is the one of ours that holds the bucket (NULL for inflows and outflows), `holder` the account in it
    (payer, operator, payee), `counterparty` the other name of the account where there is one (the operator of an
    escrow account). Conservation is `SELECT bucket, sum(amount_units) GROUP BY bucket`; balances of one account
    are the sum by (bucket, holder, counterparty), which the index serves.
    """

    __tablename__ = "movements"
    __table_args__ = (
        CheckConstraint("bucket IN (" + ", ".join(f"'{name}'" for name in BUCKETS) + ")", name="bucket"),
        Index(None, "bucket", "holder", "counterparty"),
        Index(None, "holder"),
        Index(None, "batch_id"),
    )

    ordinal: Mapped[Count] = mapped_column(primary_key=True)
    bucket: Mapped[str]
    contract: Mapped[Address | None]
    holder: Mapped[Address]
    counterparty: Mapped[Address | None]
    batch_id: Mapped[Sequence64 | None]
    amount_units: Mapped[SignedUnits]
