"""Settings of `tributary api`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ledger.config import DatabaseSettings, Urls


class ApiSettings(DatabaseSettings):
    """What the API needs: a database to read."""

    model_config = SettingsConfigDict(env_prefix="API_", frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field(default="127.0.0.1", description="Interface on which the API listens")
    port: int = Field(default=8080, ge=0, le=65_535, description="Port on which the API listens; 0 takes a free one")
    connections: int = Field(default=10, ge=1, le=200, description="Database connections that the API may hold")
    statement_timeout_seconds: int = Field(
        default=10, ge=1, le=300, description="How long one query may take before it is given up"
    )
    allowed_origins: Urls = Field(
        default=("*",), description="Web origins whose pages may read the API, separated by commas; * for all"
    )
