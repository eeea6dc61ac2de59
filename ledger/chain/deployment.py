"""Where the contracts of one L2 and its L1 stand: contracts/deployments/<L2 chain id>.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from ledger.errors import DeploymentMissingError, MalformedInputError
from ledger.protocol.domain import Domain
from ledger.protocol.hexadecimal import from_hex


@dataclass(frozen=True, slots=True)
class L1Deployment:
    """What stands on L1; logs begin at `deployed_at_block`."""

    chain_id: int
    deployed_at_block: int
    blob_inbox: bytes


@dataclass(frozen=True, slots=True)
class L2Deployment:
    """What stands on L2; logs begin at `deployed_at_block`."""

    chain_id: int
    deployed_at_block: int
    token: bytes
    registry: bytes
    operators: bytes
    escrow: bytes
    ledger: bytes
    distributor: bytes
    format_challenges: bytes
    receipt_challenges: bytes
    blob_demands: bytes


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of all contracts, with what is fixed in them."""

    l1: L1Deployment
    l2: L2Deployment
    protocol_ppm: int
    protocol_payee: bytes
    attesters: tuple[bytes, ...]
    quorum: int
    token_decimals: int

    @property
    def receipt_domain(self) -> Domain:
        """EIP-712 domain of receipts."""
        return Domain(self.l2.chain_id, self.l2.ledger)

    @property
    def authorization_domain(self) -> Domain:
        """EIP-712 domain of spend authorizations."""
        return Domain(self.l2.chain_id, self.l2.escrow)

    @property
    def distribution_domain(self) -> Domain:
        """EIP-712 domain of distributions."""
        return Domain(self.l2.chain_id, self.l2.distributor)


def load_deployment(folder: Path, chain_id: int) -> Deployment:
    """The deployment for an L2.

    Raises:
        DeploymentMissingError: there is no file for that chain, or it can't be read as one.
    """
    path = folder / f"{chain_id}.json"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DeploymentMissingError(
            f"There is no deployment for chain {chain_id} in {folder}; deploy the contracts, or set DEPLOYMENTS_DIR."
        ) from error
    try:
        return parse_deployment(from_json(content))
    except KeyError as error:
        raise DeploymentMissingError(f"{path} is not a deployment file: it lacks {error}.") from error
    except (TypeError, ValueError, MalformedInputError) as error:
        raise DeploymentMissingError(f"{path} is not a deployment file: {error}.") from error


def parse_deployment(file: dict[str, Any]) -> Deployment:
    """A deployment out of its JSON form.

    Raises:
        KeyError, TypeError, ValueError, MalformedInputError: a field is missing or of another form.
    """
    l1, l2 = file["l1"], file["l2"]
    return Deployment(
        l1=L1Deployment(int(l1["chainId"]), int(l1["deployedAtBlock"]), from_hex(l1["blobInbox"], 20)),
        l2=L2Deployment(
            int(l2["chainId"]),
            int(l2["deployedAtBlock"]),
            from_hex(l2["token"], 20),
            from_hex(l2["registry"], 20),
            from_hex(l2["operators"], 20),
            from_hex(l2["escrow"], 20),
            from_hex(l2["ledger"], 20),
            from_hex(l2["distributor"], 20),
            from_hex(l2["formatChallenges"], 20),
            from_hex(l2["receiptChallenges"], 20),
            from_hex(l2["blobDemands"], 20),
        ),
        protocol_ppm=int(file["protocolPpm"]),
        protocol_payee=from_hex(file["protocolPayee"], 20),
        attesters=tuple(from_hex(attester, 20) for attester in file["attesters"]),
        quorum=int(file["quorum"]),
        token_decimals=int(file["tokenDecimals"]),
    )
