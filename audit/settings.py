"""What the audit reads: two chains, somebody who has the blobs, and, if wanted, those whose word is to be checked."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from ledger.config import L2Settings, Url, Urls


class AuditSettings(L2Settings):
    """Everything that `tributary audit` reads. It needs no key, no database and no account."""

    l1_rpc_url: Urls = Field(description="JSON-RPC addresses of L1 nodes, separated by commas")
    beacon_url: Urls | None = Field(
        default=None, description="Beacon API addresses that serve blobs, separated by commas"
    )
    archive_dir: Path | None = Field(
        default=None, description="Folder of the blob archive, for blobs that beacon nodes no longer keep"
    )
    api_url: Url | None = Field(
        default=None,
        validation_alias="AUDIT_API_URL",
        description="Address of a Tributary API whose figures are compared with the chains",
    )

    patience_seconds: float = Field(
        default=60.0,
        ge=0,
        validation_alias="AUDIT_PATIENCE_SECONDS",
        description="How long a node may be away before the audit gives up",
    )

    @model_validator(mode="after")
    def _has_blobs(self) -> Self:
        if self.beacon_url is None and self.archive_dir is None:
            raise ValueError("BEACON_URL or ARCHIVE_DIR must say where the blobs are; see docs/settings.md")
        if self.archive_dir is not None and not self.archive_dir.is_dir():
            raise ValueError(f"ARCHIVE_DIR names {self.archive_dir}, which is not a folder")
        return self
