"""Deployment files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.chain.deployment import load_deployment
from ledger.errors import DeploymentMissingError

pytestmark = pytest.mark.unit

NAMES = (
    "token",
    "registry",
    "operators",
    "escrow",
    "ledger",
    "distributor",
    "formatChallenges",
    "receiptChallenges",
    "blobDemands",
)
FILE = {
    "l1": {"chainId": 900, "deployedAtBlock": 3, "blobInbox": "0x" + "01" * 20},
    "l2": {
        "chainId": 901,
        "deployedAtBlock": 5,
        **{name: "0x" + f"{i:02x}" * 20 for i, name in enumerate(NAMES, 2)},
    },
    "protocolPpm": 10_000,
    "protocolPayee": "0x" + "0a" * 20,
    "attesters": ["0x" + "0b" * 20],
    "quorum": 1,
    "tokenDecimals": 6,
}


def test_a_deployment_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "901.json").write_text(json.dumps(FILE))
    deployment = load_deployment(tmp_path, 901)
    assert deployment.l1.blob_inbox == b"\x01" * 20
    assert deployment.l2.ledger == b"\x06" * 20
    assert deployment.attesters == (b"\x0b" * 20,)
    assert deployment.receipt_domain.verifying_contract == deployment.l2.ledger
    assert deployment.authorization_domain.verifying_contract == deployment.l2.escrow
    assert deployment.distribution_domain.chain_id == 901


def test_a_missing_deployment_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DeploymentMissingError, match="There is no deployment for chain 901"):
        load_deployment(tmp_path, 901)


@pytest.mark.parametrize("spoilt", ["[]", "{", "\udcff", '{"l1": {}}', json.dumps({**FILE, "protocolPayee": "0x12"})])
def test_a_broken_deployment_file_is_named(tmp_path: Path, spoilt: str) -> None:
    (tmp_path / "901.json").write_text(spoilt, errors="surrogateescape")
    with pytest.raises(DeploymentMissingError, match=r"901\.json is not a deployment file"):
        load_deployment(tmp_path, 901)
