"""Caps, thaws, session keys and debts of escrow accounts, as PaymentEscrow logged them. Writer: indexer. Insert-only.

Balances are not kept here: they are sums of `movements`.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from ledger.db.base import Base, LogRow
from ledger.db.types import Address, ChainSeconds, Sequence64, SignedUnits, Units


class SpendingCap(Base, LogRow):
    """A payer's cumulative cap for an operator, in force from `effective_at`; the newest in force counts."""

    __tablename__ = "spending_caps"
    __table_args__ = (Index(None, "payer", "operator"), Index(None, "operator"))

    payer: Mapped[Address]
    operator: Mapped[Address]
    cap_units: Mapped[Units]
    valid_until: Mapped[ChainSeconds]
    effective_at: Mapped[ChainSeconds]


class Thaw(Base, LogRow):
    """A withdrawal announced (`thaw_end` set) or cancelled (NULL); the newest row of an account counts."""

    __tablename__ = "thaws"
    __table_args__ = (Index(None, "payer", "operator"),)

    payer: Mapped[Address]
    operator: Mapped[Address]
    amount_units: Mapped[Units]
    thaw_end: Mapped[ChainSeconds | None]


class SessionKey(Base, LogRow):
    """A key that may sign for a payer: registered, or revoked with effect from `effective_at`."""

    __tablename__ = "session_keys"
    __table_args__ = (
        CheckConstraint("action IN ('registered', 'revoked')", name="action"),
        Index(None, "payer", "key"),
    )

    payer: Mapped[Address]
    key: Mapped[Address]
    action: Mapped[str]
    effective_at: Mapped[ChainSeconds]


class Debt(Base, LogRow):
    """What an operator paid for a payer (positive, with its batch) or got back (negative); the sum is owed."""

    __tablename__ = "debts"
    __table_args__ = (Index(None, "payer", "operator"),)

    payer: Mapped[Address]
    operator: Mapped[Address]
    batch_id: Mapped[Sequence64 | None]
    amount_units: Mapped[SignedUnits]
