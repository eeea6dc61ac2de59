"""What is fixed in the contracts, from the deployment that the index was made with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.protocol.hexadecimal import from_hex


@dataclass(frozen=True, slots=True)
class Facts:
    """One deployment, as far as readers need it."""

    l1_chain_id: int
    l2_chain_id: int
    contracts: dict[str, bytes]
    """L2 contracts by name, and `blob_inbox` on L1."""
    protocol_payee: bytes
    protocol_ppm: int
    attesters: tuple[bytes, ...]
    quorum: int
    token_decimals: int


def read_facts(document: dict[str, Any]) -> Facts:
    """Facts out of a deployment file's JSON, which the indexer has checked before it stored it."""
    l1, l2 = document["l1"], document["l2"]
    names = ("token", "registry", "operators", "escrow", "ledger", "distributor")
    contracts = {name: from_hex(l2[name], 20) for name in names}
    return Facts(
        l1_chain_id=int(l1["chainId"]),
        l2_chain_id=int(l2["chainId"]),
        contracts={**contracts, "blob_inbox": from_hex(l1["blobInbox"], 20)},
        protocol_payee=from_hex(document["protocolPayee"], 20),
        protocol_ppm=int(document["protocolPpm"]),
        attesters=tuple(from_hex(attester, 20) for attester in document["attesters"]),
        quorum=int(document["quorum"]),
        token_decimals=int(document["tokenDecimals"]),
    )
