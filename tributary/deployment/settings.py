"""What `tributary deploy` reads from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import NoDecode

from ledger.config import CHECKOUT, Settings, Urls, split_urls
from ledger.protocol.hexadecimal import ZERO_ADDRESS
from ledger.protocol.signature import address_of
from ledger.setting_types import AddressSetting, KeySetting, key_in, parse_address
from tributary.deployment.parameters import (
    DEFAULT_DEMAND_DEPOSIT_UNITS,
    DEFAULT_MIN_RESERVE_UNITS,
    DEFAULT_RESERVE_PPM,
    L2_MESSENGER,
    Parameters,
)

if TYPE_CHECKING:
    from coincurve import PrivateKey


def _addresses(value: object) -> object:
    return tuple(parse_address(part.strip()) for part in value.split(",")) if isinstance(value, str) else value


def _token(value: object) -> object:
    return None if value == "test" else parse_address(value)


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
    deploy_key: KeySetting = Field(
        description="Key that deploys on both chains, 0x and 64 hex digits; needed only once"
    )
    deploy_path: Literal["portal", "messenger"] = Field(
        default="portal",
        description="How L1 tells the L2 of blobs: portal (cheap) or messenger (failed calls can be replayed)",
    )
    l1_portal_address: AddressSetting | None = Field(default=None, description="OptimismPortal of the L2, on L1")
    l1_messenger_address: AddressSetting | None = Field(
        default=None, description="L1CrossDomainMessenger of the L2, on L1"
    )
    l2_messenger_address: AddressSetting = Field(default=L2_MESSENGER, description="L2CrossDomainMessenger, on L2")
    deploy_token: Annotated[bytes | None, BeforeValidator(_token)] = Field(
        description="ERC-20 on L2 that everything is paid in (at most 9 decimals, no fee on transfer); test for a test token"
    )
    deploy_protocol_ppm: int = Field(description="The protocol's part of every fee, in parts per million")
    deploy_protocol_payee: AddressSetting = Field(description="Who gets the protocol's part")
    deploy_attesters: Annotated[tuple[bytes, ...], NoDecode, BeforeValidator(_addresses)] = Field(
        description="Attesters of distribution roots, separated by commas"
    )
    deploy_quorum: int = Field(description="How many attesters must sign a root")
    deploy_governor: AddressSetting = Field(description="Who may replace attesters, with two weeks' notice")
    deploy_pauser: AddressSetting = Field(
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

    @property
    def key(self) -> PrivateKey:
        """The deployer's key."""
        return key_in(self.deploy_key)

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
