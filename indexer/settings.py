"""What `tributary index` is told."""

from __future__ import annotations

from pydantic import Field

from ledger.config import AltDaSettings, AnyUrls, ArchiveSettings, ChainSettings, DatabaseSettings


class CheckingSettings(DatabaseSettings, ArchiveSettings):
    """Which index and which archive, and how many processes check blobs."""

    kzg_processes: int = Field(
        default=1,
        ge=0,
        le=64,
        validation_alias="INDEXER_KZG_PROCESSES",
        description="Processes that check blobs while others are decoded and written, started once there are many;"
        " 0 checks them in between. One less than there are processors is right for a backfill",
    )


class BlobArchiveSettings(CheckingSettings, AltDaSettings):
    """What `tributary archive` is told."""

    beacon_url: AnyUrls = Field(
        default=(),
        validation_alias="BEACON_URL",
        description="Beacon API addresses that missing blobs are asked of last, separated by commas",
    )


class IndexerSettings(CheckingSettings, ChainSettings, AltDaSettings):
    """Which chains to read, where blobs and rows are kept, and how eagerly."""

    poll_seconds: float = Field(
        default=1.0,
        gt=0,
        validation_alias="INDEXER_POLL_SECONDS",
        description="Pause between two looks at a chain that has nothing new",
    )
    patience_seconds: float = Field(
        default=20.0,
        gt=0,
        validation_alias="INDEXER_PATIENCE_SECONDS",
        description="How long one call to a node is tried, over all its addresses, before the turn counts as failed",
    )
    rpc_requests: int = Field(
        default=8,
        ge=1,
        le=100,
        validation_alias="INDEXER_RPC_REQUESTS",
        description="Requests under way at one JSON-RPC endpoint at a time; fewer while it answers 429",
    )
    host: str = Field(
        default="127.0.0.1",
        validation_alias="INDEXER_HOST",
        description="Interface on which the indexer tells how it fares",
    )
    port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        validation_alias="INDEXER_PORT",
        description="Port of /health, /ready, /status and /metrics; 0 takes a free one, without it nothing is served",
    )
    ready_seconds: float = Field(
        default=60.0,
        gt=0,
        validation_alias="INDEXER_READY_SECONDS",
        description="How long ago each loop may have succeeded last for the indexer to call itself ready",
    )
    ready_blocks: int = Field(
        default=20,
        ge=0,
        validation_alias="INDEXER_READY_BLOCKS",
        description="How many blocks the rows may be behind a chain for the indexer to call itself ready",
    )
