"""What travels beside a blob transaction: the blobs, their commitments and proofs.

Two wrappers are in use. Before Osaka a node wants one proof per blob (EIP-4844); from Osaka on it
wants the 128 cell proofs per blob and a version byte (EIP-7594). `sidecar_version` asks the node
which fork it runs. The canonical transaction, and so its hash, is the same in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import rlp

from ledger.chain.quantities import member
from ledger.chain.rpc import RpcClient
from ledger.chain.transaction import SignedTransaction
from ledger.errors import RpcRejectedError
from ledger.protocol.blob import kzg

_CELL_PROOFS_WRAPPER: Final = 1
_OSAKA_PRECOMPILE: Final = "P256VERIFY"


class SidecarVersion(StrEnum):
    """Which proofs a node wants."""

    BLOB_PROOFS = "eip-4844"
    CELL_PROOFS = "eip-7594"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Blobs of 131,072 bytes; a commitment each; one proof each, or 128 each."""

    version: SidecarVersion
    blobs: tuple[bytes, ...]
    kzg_commitments: tuple[bytes, ...]
    proofs: tuple[bytes, ...]

    @property
    def versioned_hashes(self) -> tuple[bytes, ...]:
        """The blobs' names on L1, in order."""
        return tuple(kzg.versioned_hash(commitment) for commitment in self.kzg_commitments)

    def wrap(self, tx: SignedTransaction) -> bytes:
        """The network form of a blob transaction: what eth_sendRawTransaction takes."""
        wrapper = [_CELL_PROOFS_WRAPPER] if self.version is SidecarVersion.CELL_PROOFS else []
        payload = rlp.decode(tx.raw[1:])
        parts = [list(part) for part in (self.blobs, self.kzg_commitments, self.proofs)]
        return tx.raw[:1] + bytes(rlp.encode([payload, *wrapper, *parts]))


def build_sidecar(blobs: Sequence[bytes], version: SidecarVersion) -> Sidecar:
    """The sidecar of these blobs: about 45 ms a blob with blob proofs, 300 ms with cell proofs."""
    commitments = [kzg.kzg_commitment(blob) for blob in blobs]
    if version is SidecarVersion.CELL_PROOFS:
        proofs = [proof for blob in blobs for proof in kzg.cell_proofs(blob)]
    else:
        proofs = [kzg.blob_proof(b, c) for b, c in zip(blobs, commitments, strict=True)]
    return Sidecar(version, tuple(blobs), tuple(commitments), tuple(proofs))


def sidecar_version(rpc: RpcClient) -> SidecarVersion:
    """The version that the L1 wants now, by whether its fork has Osaka's precompile.

    A node that has no eth_config (EIP-7910) can't say; every public L1 is past Osaka by now, so
    cell proofs are assumed there. A private chain of an older fork sets the version explicitly.
    """
    try:
        current = member(rpc.call("eth_config"), "current")
    except RpcRejectedError:
        return SidecarVersion.CELL_PROOFS
    is_osaka = _OSAKA_PRECOMPILE in member(current, "precompiles")
    return SidecarVersion.CELL_PROOFS if is_osaka else SidecarVersion.BLOB_PROOFS
