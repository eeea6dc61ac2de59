"""What `tributary deploy` reads from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from coincurve import PrivateKey
from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from ledger.config import CHECKOUT, Settings, Urls, split_urls
from ledger.errors import MalformedInputError
from ledger.protocol.hexadecimal import ZERO_ADDRESS, from_hex
from ledger.protocol.signature import address_of
from tributary.deployment.parameters import (
    DEFAULT_DEMAND_DEPOSIT_UNITS,
    DEFAULT_MIN_RESERVE_UNITS,
    DEFAULT_RESERVE_PPM,
    L2_MESSENGER,
    Parameters,
)


def _address(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return from_hex(value, 20)
    except MalformedInputError as error:
        raise ValueError("it must be an address, 0x and 40 hex digits") from error


def _addresses(value: object) -> object:
    return tuple(_address(part.strip()) for part in value.split(",")) if isinstance(value, str) else value


def _token(value: object) -> object:
    return None if value == "test" else _address(value)


Address = Annotated[bytes, BeforeValidator(_address)]


class DeploySettings(Settings):
    """Everything that `tributary deploy` reads."""

    l1_rpc_url: Urls = Field(description="JSON-RPC addresses of L1 nodes, separated by commas")
    l2_rpc_url: Urls = Field(description="JSON-RPC addresses of L2 nodes, separated by commas")
    deployments_dir: Path = Field(
        default=CHECKOUT / "contracts" / "deployments",
        description="Folder of the deployment files, one <L2 chain id>.json for each chain",
    )
    deploy_l1_chain_id: int = Field(description="Chain id that the L1 must have")
    deploy_l2_chain_id: int = Field(description="Chain id that the L2 must have")
    deploy_key: SecretStr = Field(description="Key that deploys on both chains, 0x and 64 hex digits; needed only once")
    deploy_path: Literal["portal", "messenger"] = Field(
        default="portal",
        description="How L1 tells the L2 of blobs: portal (cheap) or messenger (failed calls can be replayed)",
    )
    l1_portal_address: Address | None = Field(default=None, description="OptimismPortal of the L2, on L1")
    l1_messenger_address: Address | None = Field(default=None, description="L1CrossDomainMessenger of the L2, on L1")
    l2_messenger_address: Address = Field(default=L2_MESSENGER, description="L2CrossDomainMessenger, on L2")
    deploy_token: Annotated[bytes | None, BeforeValidator(_token)] = Field(
        description="ERC-20 on L2 that everything is paid in (at most 9 decimals, no fee on transfer); test for a test token"
    )
    deploy_protocol_ppm: int = Field(description="The protocol's part of every fee, in parts per million")
    deploy_protocol_payee: Address = Field(description="Who gets the protocol's part")
    deploy_attesters: Annotated[tuple[bytes, ...], NoDecode, BeforeValidator(_addresses)] = Field(
        description="Attesters of distribution roots, separated by commas"
    )
    deploy_quorum: int = Field(description="How many attesters must sign a root")
    deploy_governor: Address = Field(description="Who may replace attesters, with two weeks' notice")
    deploy_pauser: Address = Field(
        default=ZERO_ADDRESS, description="Who may stop intake for three days; the zero address for nobody"
    )
    deploy_min_reserve_units: int = Field(
        default=DEFAULT_MIN_RESERVE_UNITS, description="Part of its operator's bond that each open batch holds at least"
    )
    deploy_reserve_ppm: int = Field(
        default=DEFAULT_RESERVE_PPM, description="What it holds beyond that, in parts per million of the batch's fees"
    )

    deploy_demand_deposit_units: int = Field(
        default=DEFAULT_DEMAND_DEPOSIT_UNITS, description="What a demand for a blob costs beforehand; it covers a post"
    )

    _split = field_validator("l1_rpc_url", "l2_rpc_url", mode="before")(split_urls)

    @field_validator("deploy_key")
    @classmethod
    def _is_key(cls, value: SecretStr) -> SecretStr:
        try:
            PrivateKey(from_hex(value.get_secret_value(), 32))
        except (MalformedInputError, ValueError):
            raise ValueError("it must be a secp256k1 key, 0x and 64 hex digits") from None  # never echo a secret
        return value

    @property
    def key(self) -> PrivateKey:
        """The deployer's key."""
        return PrivateKey(from_hex(self.deploy_key.get_secret_value(), 32))

    @property
    def deployer(self) -> bytes:
        """The deployer's address, 20 bytes."""
        return address_of(self.key)

    def parameters(self) -> Parameters:
        """The deployment's parameters. Raises SettingsError if they contradict each other."""
        through_portal = self.deploy_path == "portal"
        parameters = Parameters(
            l1_chain_id=self.deploy_l1_chain_id,
            l2_chain_id=self.deploy_l2_chain_id,
            portal=self.l1_portal_address if through_portal else None,
            l1_messenger=None if through_portal else self.l1_messenger_address,
            token=self.deploy_token,
            protocol_ppm=self.deploy_protocol_ppm,
            protocol_payee=self.deploy_protocol_payee,
            attesters=self.deploy_attesters,
            quorum=self.deploy_quorum,
            governor=self.deploy_governor,
            pauser=self.deploy_pauser,
            min_reserve_units=self.deploy_min_reserve_units,
            reserve_ppm=self.deploy_reserve_ppm,
            l2_messenger=self.l2_messenger_address,
            demand_deposit_units=self.deploy_demand_deposit_units,
        )
        parameters.check()
        return parameters
