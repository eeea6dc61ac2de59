"""What an operator sets to run the batcher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from ledger.chain.fees import GWEI, FeePolicy
from ledger.config import DatabaseSettings, L2Settings, Url, Urls, split_urls
from ledger.protocol.blob.layout import MAX_RECEIPTS
from ledger.setting_types import KeySetting, key_in

if TYPE_CHECKING:
    from coincurve import PrivateKey


class BatcherSettings(DatabaseSettings, L2Settings):
    """Everything that `tributary batch` reads."""

    model_config = SettingsConfigDict(env_prefix="BATCHER_", frozen=True, extra="ignore", populate_by_name=True)

    l1_rpc_url: Urls = Field(
        validation_alias="L1_RPC_URL", description="JSON-RPC addresses of L1 nodes, separated by commas"
    )
    operator_key: KeySetting = Field(
        description="Operator's own key, 0x and 64 hex digits: it commits and finalises batches on L2 and pays their gas"
    )
    poster_key: KeySetting | None = Field(
        default=None, description="Key that posts blobs on L1 and pays for them; the operator's own if not set"
    )
    max_age_seconds: int = Field(
        default=3600, ge=1, le=12 * 3600, description="Age of the oldest waiting receipt at which a batch goes out"
    )
    max_receipts: int = Field(
        default=MAX_RECEIPTS, ge=1, le=MAX_RECEIPTS, description="Receipts of a lane at which a batch goes out at once"
    )
    max_payers: int = Field(default=500, ge=1, le=1024, description="Most payers in a batch; each adds to its L2 gas")
    max_open_jobs: int = Field(default=8, ge=1, le=256, description="Batches under way together, over all lanes")
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes that compute KZG commitments and proofs, of some 200 MiB each"
    )
    poll_seconds: float = Field(
        default=1.0, gt=0, le=60, description="Pause between looks at the database and the chains"
    )
    sidecar: Literal["auto", "eip-4844", "eip-7594"] = Field(
        default="auto", description="Proofs that travel with blobs; auto asks the L1 node for its fork"
    )
    share_deposits: int = Field(
        default=1, ge=1, le=64, description="Posts that share one L1 to L2 deposit; 1 attests each post by itself"
    )
    share_wait_seconds: int = Field(
        default=300, ge=0, description="How long a post waits for others to share its deposit with"
    )
    attest_patience_seconds: int = Field(
        default=4 * 3600, ge=1, description="Time after which a post that the L2 has not heard of is made again"
    )
    altda_url: Url | None = Field(
        default=None,
        description="Address of an Alt-DA server (EigenDA's proxy) that blobs go to instead of L1, and where it is down"
        " to L1 all the same",
    )
    altda_commitment: Literal["generic", "keccak256"] = Field(
        default="generic", description="Commitments of the Alt-DA server: its own, or the hash of what is put"
    )
    altda_timeout_seconds: float = Field(
        default=300.0, gt=0, description="How long the Alt-DA server may take to keep a batch, or to answer one"
    )
    altda_patience_seconds: int = Field(
        default=600, ge=0, description="How long a batch is tried with an Alt-DA server that fails before it goes to L1"
    )
    stuck_seconds: float = Field(
        default=90.0, gt=0, description="Time without a block after which a transaction is sent again with higher fees"
    )
    stall_seconds: float = Field(
        default=900.0, gt=0, description="With --once or --drain: time without any progress after which it gives up"
    )
    max_fee_gwei: int | None = Field(default=None, ge=1, description="Most gwei per gas that a transaction may offer")
    max_blob_fee_gwei: int | None = Field(
        default=None, ge=1, description="Most gwei per blob gas that a post may offer"
    )
    low_l1_balance_wei: int = Field(
        default=10**17, ge=0, description="Balance of the L1 account below which an alarm is logged, in wei"
    )
    low_l2_balance_wei: int = Field(
        default=10**16, ge=0, description="Balance of the L2 account below which an alarm is logged, in wei"
    )

    _split_l1 = field_validator("l1_rpc_url", mode="before")(split_urls)

    @property
    def operator_signer(self) -> PrivateKey:
        """Key of the L2 account."""
        return key_in(self.operator_key)

    @property
    def poster_signer(self) -> PrivateKey:
        """Key of the L1 account."""
        return key_in(self.poster_key or self.operator_key)

    @property
    def fee_policy(self) -> FeePolicy:
        """How transactions bid for gas."""
        return FeePolicy(ceiling_wei=_wei(self.max_fee_gwei), blob_ceiling_wei=_wei(self.max_blob_fee_gwei))


def _wei(gwei: int | None) -> int | None:
    return None if gwei is None else gwei * GWEI
