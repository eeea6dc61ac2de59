"""A deployment as the indexer keeps it, for databases that no chain stands behind."""

from __future__ import annotations

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ledger.db.models.indexer_chain import Deployment
from ledger.protocol.hexadecimal import to_hex
from tests.factories.history import CHAIN_ID

L1_CHAIN_ID = 900


def write_deployment(session: Session, protocol_payee: bytes, protocol_ppm: int) -> None:
    """One row of `deployments` with made-up addresses."""
    names = ("token", "registry", "operators", "escrow", "ledger", "distributor")
    l2 = {name: to_hex(bytes([0xD0 + i]) * 20) for i, name in enumerate(names)}
    document = {
        "l1": {"chainId": L1_CHAIN_ID, "deployedAtBlock": 0, "blobInbox": to_hex(b"\xdf" * 20)},
        "l2": {"chainId": CHAIN_ID, "deployedAtBlock": 0, **l2},
        "protocolPpm": protocol_ppm,
        "protocolPayee": to_hex(protocol_payee),
        "attesters": [to_hex(b"\xa7" * 20)],
        "quorum": 1,
        "tokenDecimals": 6,
    }
    row = {"l2_chain_id": CHAIN_ID, "l1_chain_id": L1_CHAIN_ID, "document": document, "deployment_hash": bytes(32)}
    session.execute(insert(Deployment).values(**row))
