"""What an operator sets to run the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ledger.config import CHECKOUT, DatabaseSettings, L2Settings
from ledger.setting_types import AddressSetting, KeySetting, key_in

if TYPE_CHECKING:
    from coincurve import PrivateKey


class KeySettings(DatabaseSettings, L2Settings):
    """Everything that `tributary key` reads."""

    model_config = SettingsConfigDict(env_prefix="SERVING_", frozen=True, extra="ignore", populate_by_name=True)

    operator: AddressSetting = Field(description="Address of the operator whose receipts these are")


class ServingSettings(KeySettings):
    """Everything that `tributary serve` reads."""

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on; 0 takes a free one")
    lane: int = Field(default=0, ge=0, le=65_535, description="Lane of the operator that this gateway writes")
    lane_key: KeySetting = Field(description="Secret key that signs the lane's receipts, 0x and 64 hex digits")
    models_dir: Path = Field(
        default=CHECKOUT / "models", description="Folder of the model, its adapters and manifest.json"
    )
    upstreams: Path | None = Field(
        default=None,
        description="TOML file of the OpenAI-compatible servers that answer (docs/serving.md); without one the embedded "
        "engine does",
    )
    attribution_dir: Path | None = Field(
        default=None,
        validation_alias="ATTRIBUTION_DIR",
        description="Library of registered datasets (`tributary attribution index` makes it) whose words are looked for "
        "in answers of assets in mode operator; without one their sets go by the terms",
    )
    adapter_memory_bytes: int = Field(
        default=256 * 1024 * 1024, ge=1_000_000, description="Memory for adapters; the least recently used leave first"
    )
    max_batch: int = Field(default=32, ge=1, le=1024, description="Answers that the engine computes together")
    max_waiting: int = Field(default=256, ge=0, description="Requests that may wait for the engine; more are refused")
    max_payer_requests: int = Field(default=64, ge=1, description="Requests of one payer that may be open together")
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, description="Longest request body")
    follow_chain_clock: bool = Field(
        default=False,
        description="Take the time from the L2's newest block instead of this machine (for a devnet that moves its clock)",
    )
    chain_poll_seconds: float = Field(default=2.0, gt=0, description="Pause between looks at the L2's blocks")
    chain_patience_seconds: float = Field(
        default=300.0, gt=0, lt=600, description="How long to serve on while the L2 is out of reach"
    )
    checkpoint_seconds: float = Field(default=1.0, gt=0, description="How often a stream's progress is made durable")
    storage_wait_seconds: float = Field(
        default=30.0, gt=0, description="How long an answer waits for its receipt while PostgreSQL is away"
    )
    answer_retention_seconds: int = Field(
        default=86_400, ge=60, description="How long an answer is kept for a retry with the same Idempotency-Key"
    )
    shutdown_seconds: int = Field(default=30, ge=0, description="How long open answers may run on at shutdown")

    @property
    def signing_key(self) -> PrivateKey:
        """The lane's key."""
        return key_in(self.lane_key)
