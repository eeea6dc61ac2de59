"""Settings of `tributary api`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ledger.config import ArchiveSettings, DatabaseSettings, Words, state_folder


class ApiSettings(DatabaseSettings, ArchiveSettings):
    """What the API needs: a database to read, and the blob archive to prove from."""

    model_config = SettingsConfigDict(env_prefix="API_", frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field(default="127.0.0.1", description="Interface on which the API listens")
    port: int = Field(default=8080, ge=0, le=65_535, description="Port on which the API listens; 0 takes a free one")
    connections: int = Field(default=10, ge=1, le=200, description="Database connections that the API may hold")
    statement_timeout_seconds: int = Field(
        default=10, ge=1, le=300, description="How long one query may take before it is given up"
    )
    allowed_origins: Words = Field(
        default=("*",), description="Web origins whose pages may read the API, separated by commas; * for all"
    )
    kept_dir: Path = Field(
        default_factory=lambda: state_folder() / "api",
        description="Folder of the proofs and explain files that the API has computed; it may be emptied at any time",
    )
    kept_bytes: int = Field(
        default=2**30,
        ge=2**20,
        description="How large that folder may grow before the files unread longest are dropped",
    )
    listeners: int = Field(default=200, ge=0, le=10_000, description="Pages that may listen for events at once")
    events_seconds: float = Field(
        default=2.0, ge=0.1, le=60, description="How often the API looks for news to tell them"
    )
    requests_per_minute: int = Field(
        default=1_200,
        ge=0,
        description="Requests that one address may make in a minute before it is asked to wait; 0: any",
    )
