"""Settings of `tributary settle` and `tributary attest`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  pydantic reads it at run time

from pydantic import Field, field_validator

from ledger.config import DatabaseSettings, L2Settings, Urls, Words, http_address, split_urls
from ledger.errors import MalformedInputError, SettingsError
from ledger.protocol.hexadecimal import from_hex
from ledger.setting_types import KeySetting  # noqa: TC001  pydantic reads it at run time


class DryRunSettings(DatabaseSettings, L2Settings):
    """What it takes to compute a distribution and send nothing."""

    min_claim_units: int = Field(
        default=10_000,
        ge=1,
        validation_alias="SETTLEMENT_MIN_CLAIM_UNITS",
        description="Least amount, in base units of the token, for which settlement pays the gas of a claim",
    )


class SettlementSettings(DryRunSettings):
    """What the settlement job needs."""

    private_key: KeySetting = Field(
        validation_alias="SETTLEMENT_PRIVATE_KEY",
        description="Key of the account that pays the gas of roots and claims; it needs no role in the contracts",
    )
    attester_urls: Urls = Field(
        validation_alias="SETTLEMENT_ATTESTER_URLS",
        description="Addresses of the attesters, separated by commas; at least as many as the quorum",
    )
    claims_per_transaction: int = Field(
        default=100,
        ge=1,
        le=400,
        validation_alias="SETTLEMENT_CLAIMS_PER_TRANSACTION",
        description="Payees that one claimMany transaction pays; each first claim costs about 68,000 gas",
    )
    transactions_in_flight: int = Field(
        default=4,
        ge=1,
        le=64,
        validation_alias="SETTLEMENT_TRANSACTIONS_IN_FLIGHT",
        description="claimMany transactions that may wait for a block at the same time",
    )
    wait_seconds: float = Field(
        default=60.0,
        gt=0,
        validation_alias="SETTLEMENT_WAIT_SECONDS",
        description="How long a transaction may wait for a block before its fee is raised",
    )

    rpc_patience_seconds: float = Field(
        default=60.0,
        gt=0,
        validation_alias="SETTLEMENT_RPC_PATIENCE_SECONDS",
        description="How long one question to the L2 nodes is repeated before the pass gives up",
    )

    _split_attesters = field_validator("attester_urls", mode="before")(split_urls)


class AttesterSettings(DatabaseSettings, L2Settings):
    """What an attester needs; the database and the node are its own, not the proposer's."""

    private_key: KeySetting = Field(
        validation_alias="ATTESTER_PRIVATE_KEY",
        description="Key that signs distributions; its address is an attester in RoyaltyDistributor",
    )
    host: str = Field(
        default="127.0.0.1", validation_alias="ATTESTER_HOST", description="Interface on which the attester listens"
    )
    port: int = Field(
        default=8090, ge=0, le=65535, validation_alias="ATTESTER_PORT", description="Port on which the attester listens"
    )
    largest_file_bytes: int = Field(
        default=512 * 1024 * 1024,
        ge=1024,
        validation_alias="ATTESTER_LARGEST_FILE_BYTES",
        description="Largest distribution file that the attester reads",
    )

    l1_rpc_url: Urls | None = Field(
        default=None, validation_alias="L1_RPC_URL", description="JSON-RPC addresses of L1 nodes, for the draw's seeds"
    )
    operator_urls: Words | None = Field(
        default=None,
        validation_alias="ATTESTER_OPERATOR_URLS",
        description="Gateways that are asked to open drawn receipts, 0xOPERATOR=URL, separated by commas",
    )
    attribution_dir: Path | None = Field(
        default=None,
        validation_alias="ATTRIBUTION_DIR",
        description="Library of registered datasets (`tributary attribution index`) that drawn sets are made from again",
    )
    published_dir: Path | None = Field(
        default=None,
        validation_alias="ATTESTER_PUBLISHED_DIR",
        description="Folder of models and adapters whose priors drawn sets are made with",
    )

    follow_chain_clock: bool = Field(
        default=False,
        validation_alias="ATTESTER_FOLLOW_CHAIN_CLOCK",
        description="Take the time from the L2's newest block instead of this machine, as the gateways of a devnet do "
        "(for a devnet that moves its clock)",
    )

    _split_l1 = field_validator("l1_rpc_url", "operator_urls", mode="before")(split_urls)

    @property
    def operators(self) -> dict[bytes, str]:
        """The gateways by operator.

        Raises:
            SettingsError: one is not of the form 0xOPERATOR=URL.
        """
        try:
            pairs = [entry.split("=", 1) for entry in self.operator_urls or ()]
            return {from_hex(operator, 20): http_address(url.rstrip("/")) for operator, url in pairs}
        except (MalformedInputError, ValueError) as error:
            raise SettingsError("ATTESTER_OPERATOR_URLS must be 0xOPERATOR=URL, separated by commas.") from error
