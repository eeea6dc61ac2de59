"""What a deployment leaves on disk: the plan while it runs, the deployment file once it stands."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ledger.errors import DeploymentMissingError
from ledger.protocol.hexadecimal import checksum_address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tributary.deployment.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Journal:
    """Where a deployment began: enough to compute every address again.

    `parameters` and `code` are digests: a run with others must not go on with this plan.
    """

    parameters: str
    code: str
    deployer: str
    l1_nonce: int
    l2_nonce: int
    l1_block: int
    l2_block: int


def deployment_path(folder: Path, l2_chain_id: int) -> Path:
    """The file that the stages read."""
    return folder / f"{l2_chain_id}.json"


def journal_path(folder: Path, l2_chain_id: int) -> Path:
    """The file that exists only between the first and the last transaction."""
    return folder / f"{l2_chain_id}.partial.json"


def read_journal(path: Path) -> Journal | None:
    """The plan of an unfinished run, or None.

    Raises:
        DeploymentMissingError: the file is there but can't be read as one.
    """
    if not path.is_file():
        return None
    try:
        return Journal(**json.loads(path.read_text()))
    except (TypeError, ValueError) as error:
        raise DeploymentMissingError(f"{path} is not the plan of a deployment; move it away to begin anew.") from error


def write_journal(path: Path, journal: Journal) -> None:
    """Written before the first transaction is sent."""
    _write(path, asdict(journal))


def write_deployment(
    path: Path, parameters: Parameters, addresses: Mapping[str, bytes], journal: Journal, token_decimals: int
) -> None:
    """Writes the deployment file, addresses by contract name."""
    at = {name: checksum_address(address) for name, address in addresses.items()}
    _write(
        path,
        {
            "l1": {
                "chainId": parameters.l1_chain_id,
                "deployedAtBlock": journal.l1_block,
                "blobInbox": at["BlobInbox"],
                "depositPath": "portal" if parameters.l1_messenger is None else "messenger",
            },
            "l2": {
                "chainId": parameters.l2_chain_id,
                "deployedAtBlock": journal.l2_block,
                "token": at["TestToken"],
                "registry": at["AttributionRegistry"],
                "operators": at["Operators"],
                "escrow": at["PaymentEscrow"],
                "ledger": at["ReceiptLedger"],
                "distributor": at["RoyaltyDistributor"],
                "formatChallenges": at["FormatChallenges"],
                "receiptChallenges": at["ReceiptChallenges"],
                "blobDemands": at["BlobDemands"],
            },
            "protocolPpm": parameters.protocol_ppm,
            "protocolPayee": checksum_address(parameters.protocol_payee),
            "attesters": [checksum_address(attester) for attester in sorted(parameters.attesters)],
            "quorum": parameters.quorum,
            "tokenDecimals": token_decimals,
            "governor": checksum_address(parameters.governor),
            "pauser": checksum_address(parameters.pauser),
            "minReserveUnits": str(parameters.min_reserve_units),
            "reservePpm": parameters.reserve_ppm,
            "demandDepositUnits": str(parameters.demand_deposit_units),
        },
    )


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=2) + "\n")
    part.replace(path)
