"""What the watcher reads: two chains, somebody who has the blobs, and, to act, a key with limits."""

from pathlib import Path
from typing import Self

from coincurve import PrivateKey
from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from ledger.chain.fees import GWEI, FeePolicy
from ledger.config import AltDaSettings, L2Settings, Url, Urls, state_folder
from ledger.setting_types import KeySetting, key_in


class WatcherSettings(L2Settings, AltDaSettings):
    """Everything that `tributary watch` reads. Without a key it only tells what it would do."""

    model_config = SettingsConfigDict(env_prefix="WATCHER_", frozen=True, extra="ignore", populate_by_name=True)

    l1_rpc_url: Urls | None = Field(
        default=None,
        validation_alias="L1_RPC_URL",
        description="JSON-RPC addresses of L1 nodes, separated by commas; needed with a beacon address",
    )
    beacon_url: Urls | None = Field(
        default=None,
        validation_alias="BEACON_URL",
        description="Beacon API addresses that serve blobs, separated by commas",
    )
    archive_dir: Path | None = Field(
        default=None,
        validation_alias="ARCHIVE_DIR",
        description="Folder of the blob archive: asked first, and given every blob that a beacon node had",
    )
    key: KeySetting | None = Field(
        default=None, description="Key of the L2 account that challenges and is rewarded, 0x and 64 hex digits"
    )
    state_file: Path = Field(
        default_factory=lambda: state_folder() / "watcher" / "state.json",
        description="Where the watcher remembers how far it has come; one file for each watcher",
    )
    receipts_dir: Path | None = Field(
        default=None, description="Folder of signed receipts that clients kept, held against what is posted"
    )
    max_gas_price_gwei: int = Field(
        default=20, ge=1, description="Price of L2 gas above which nothing is sent, in gwei"
    )
    budget_wei: int = Field(
        default=5 * 10**16, ge=0, description="Most that the watcher spends on gas in all, over restarts, in wei"
    )
    poll_seconds: float = Field(default=12.0, gt=0, description="Pause between two looks at the chain")
    stuck_seconds: float = Field(
        default=60.0, gt=0, description="Age of a transaction at which it is sent again with a higher fee"
    )
    demand: bool = Field(
        default=False, description="Demand blobs on L1 that nobody has, of batches that were committed unattested"
    )
    demand_budget_units: int = Field(
        default=100_000_000, ge=0, description="Most that may be out in deposits of such demands at a time"
    )
    probe_url: Url | None = Field(default=None, description="Address of a gateway from which answers are bought")
    probe_key: KeySetting | None = Field(
        default=None, description="Key of the payer that buys them, 0x and 64 hex digits; another one than WATCHER_KEY"
    )
    probe_every_seconds: float = Field(default=3_600.0, gt=0, description="Pause between two probes")
    probe_model: str | None = Field(default=None, description="Model to ask; any that is listed, if none is named")
    probe_prompts: Path | None = Field(
        default=None, description="File of prompts, one a line, so that a probe looks like any other client"
    )
    probe_max_tokens: int = Field(default=32, ge=1, description="Longest answer that a probe asks for, in tokens")
    probe_allowance_units: int = Field(
        default=1_000_000, ge=1, description="Most that the operator may collect from the probes before they sign anew"
    )
    probe_deposit_units: int = Field(
        default=0, ge=0, description="Deposit that the payer makes when its account is empty; 0 for none"
    )
    patience_seconds: float = Field(default=60.0, ge=0, description="How long a node may be away with --once")

    @model_validator(mode="after")
    def _has_blobs(self) -> Self:
        if self.beacon_url is None and self.archive_dir is None:
            raise ValueError("BEACON_URL or ARCHIVE_DIR must say where the blobs are; see docs/settings.md")
        if self.beacon_url is not None and self.l1_rpc_url is None:
            raise ValueError("L1_RPC_URL must name an L1 node, by which blobs are found at BEACON_URL")
        if self.probe_url is not None and self.probe_key is None:
            raise ValueError("WATCHER_PROBE_KEY must be the payer's key, since WATCHER_PROBE_URL names a gateway")
        for name, folder in (("ARCHIVE_DIR", self.archive_dir), ("WATCHER_RECEIPTS_DIR", self.receipts_dir)):
            if folder is not None and not folder.is_dir():
                raise ValueError(f"{name} names {folder}, which is not a folder")
        return self

    @property
    def receipts_folder(self) -> Path | None:
        """Where receipts are; a folder of the watcher's own for probes, if none is named."""
        if self.receipts_dir is None and self.probe_url is not None:
            return self.state_file.parent / "receipts"
        return self.receipts_dir

    @property
    def payer(self) -> PrivateKey | None:
        """The key that probes pay with, if there is one."""
        return None if self.probe_key is None else key_in(self.probe_key)

    @property
    def signer(self) -> PrivateKey | None:
        """The key, if there is one."""
        return None if self.key is None else key_in(self.key)

    @property
    def fee_policy(self) -> FeePolicy:
        """How transactions bid for gas."""
        return FeePolicy(ceiling_wei=self.max_gas_price_gwei * GWEI)
