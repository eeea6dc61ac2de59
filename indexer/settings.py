"""What `tributary index` is told."""

from __future__ import annotations

from pydantic import Field

from ledger.config import ArchiveSettings, ChainSettings, DatabaseSettings


class IndexerSettings(DatabaseSettings, ChainSettings, ArchiveSettings):
    """Which chains to read, where blobs and rows are kept, and how eagerly."""

    poll_seconds: float = Field(
        default=1.0,
        gt=0,
        validation_alias="INDEXER_POLL_SECONDS",
        description="Pause between two looks at a chain that has nothing new",
    )
    kzg_processes: int = Field(
        default=1,
        ge=0,
        le=64,
        validation_alias="INDEXER_KZG_PROCESSES",
        description="Processes that check blobs while others are decoded and written, started once there are many;"
        " 0 checks them in between. One less than there are processors is right for a backfill",
    )
