"""What a payer sets."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from ledger.config import L2Settings, Settings, Url, state_folder
from ledger.setting_types import KeySetting

_OURS = SettingsConfigDict(env_prefix="PAY_", frozen=True, extra="ignore", populate_by_name=True)


class BookSettings(Settings):
    """Where a payer keeps what it must not forget."""

    model_config = _OURS

    folder: Path = Field(
        default_factory=lambda: state_folder() / "payer",
        description="Folder of the payer's book of signed caps, its receipts and its transcripts",
    )


class FolderSettings(BookSettings, L2Settings):
    """What `tributary pay landed` reads: no key."""

    model_config = _OURS  # of two bases the last one's would win

    api_url: Url | None = Field(
        default=None, description="Read API to ask for proofs that receipts are in batches; the chain is asked anyway"
    )


class PaySettings(FolderSettings):
    """Everything that `tributary pay` and the paying transports read."""

    key: KeySetting = Field(description="Key that signs the payer's caps, 0x and 64 hex digits")
    gateway: Url = Field(description="Address of the gateway that is paid, http://host:port")
    budget_units: int = Field(
        ge=1, lt=2**64, description="Most that the operator may ever collect, in base units; no higher cap is signed"
    )
    ahead_requests: int = Field(
        default=4, ge=1, le=1000, description="For how many requests of the present one's size a new cap reaches"
    )
    authorization_days: int = Field(default=30, ge=2, le=3650, description="How long a new authorization lasts")
    signed_before_units: int = Field(
        default=0,
        ge=0,
        lt=2**64,
        description="Highest cap that was signed for the operator before the folder was begun",
    )
    host: str = Field(default="127.0.0.1", description="Loopback address that the proxy listens on")
    port: int = Field(default=8800, ge=0, le=65_535, description="Port that the proxy listens on; 0 takes a free one")
    landing_seconds: float = Field(
        default=600.0, ge=1, description="How often the proxy looks whether kept receipts have come into batches"
    )
    follow_chain_clock: bool = Field(
        default=False,
        description="Take the time from the L2's newest block instead of this machine (for a devnet that moves its clock)",
    )
