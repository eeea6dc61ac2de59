"""Rules that were broken. Writer: indexer. Insert-only; rows fall with their event."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ledger.db.base import Base, LogRow
from ledger.db.types import Count, Sequence64, SmallCount


class Finding(Base, LogRow):
    """A broken rule with its evidence, tied to the event that broke it (for a batch: its commit or refill).

    `challenge` names the fraud proof that fits (NULL if none does), `evidence` holds the positions and values that
    it needs. `voids` says that the whole batch does not count; a finding without it is a fault that can be
    challenged while the money rules still say how to split. By batch: the findings shown with it.
    """

    __tablename__ = "findings"
    __table_args__ = (Index(None, "batch_id", "fill"), Index(None, "rule"))

    ordinal: Mapped[Count] = mapped_column(primary_key=True)
    batch_id: Mapped[Sequence64 | None]
    fill: Mapped[SmallCount | None]
    rule: Mapped[str]
    voids: Mapped[bool] = mapped_column(Boolean)
    challenge: Mapped[str | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(JSONB)
