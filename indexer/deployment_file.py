"""The deployment file: read once, hashed, and kept beside the rows that are made with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.chain.deployment import Deployment, load_deployment
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg


@dataclass(frozen=True, slots=True)
class DeploymentFile:
    """A deployment with its file's JSON and the hash of that in canonical form."""

    deployment: Deployment
    document: str
    hash: bytes


def read_deployment(folder: Path, l2_chain_id: int) -> DeploymentFile:
    """The deployment of an L2.

    Raises:
        DeploymentMissingError: there is no file for that chain, or it can't be read as one.
    """
    deployment = load_deployment(folder, l2_chain_id)
    document: Any = json.loads((folder / f"{l2_chain_id}.json").read_text("utf-8"))
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return DeploymentFile(deployment, canonical, keccak256(canonical.encode()))


def keep_deployment(connection: psycopg.Connection[Any], file: DeploymentFile) -> None:
    """Write the deployment's row, unless one stands: whether it is the same one is told when cursors are read."""
    deployment = file.deployment
    with connection.transaction():
        connection.execute(
            "INSERT INTO deployments (l2_chain_id, l1_chain_id, document, deployment_hash) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (deployment.l2.chain_id, deployment.l1.chain_id, file.document, file.hash),
        )
