"""Both chains as the batcher sees them: nodes, its accounts there, and the contracts it deals with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ledger.chain.blob_tx import SidecarVersion, sidecar_version
from ledger.chain.chain_id import served_chain_id
from ledger.chain.contracts.blob_inbox import BlobInbox
from ledger.chain.contracts.operators import Operators
from ledger.chain.contracts.payment_escrow import PaymentEscrow
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.deployment import Deployment, load_deployment
from ledger.chain.logs import LogDecoder
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender

if TYPE_CHECKING:
    from batcher.settings import BatcherSettings


@dataclass(frozen=True)
class Chains:
    """What it takes to post and commit for one operator on one deployment."""

    deployment: Deployment
    l1: Sender
    l2: Sender
    inbox: BlobInbox
    ledger: ReceiptLedger
    escrow: PaymentEscrow
    operators: Operators

    @property
    def operator(self) -> bytes:
        """The operator's address: the L2 account."""
        return self.l2.address

    @cached_property
    def events(self) -> LogDecoder:
        """Decodes what the ledger emits."""
        return LogDecoder({self.ledger.address: "ReceiptLedger"})

    def sender(self, chain_id: int) -> Sender:
        """The account on that chain."""
        return self.l1 if chain_id == self.l1.rpc.chain_id else self.l2

    def sidecar_version(self, setting: str) -> SidecarVersion:
        """The proofs that the L1 wants, asked of it if the setting is auto."""
        return sidecar_version(self.l1.rpc) if setting == "auto" else SidecarVersion(setting)

    def close(self) -> None:
        """Close the connections."""
        self.l1.rpc.close()
        self.l2.rpc.close()


def open_chains(settings: BatcherSettings, patience_seconds: float = 60.0) -> Chains:
    """Both chains, checked to be those of the deployment.

    Raises:
        DeploymentMissingError: no deployment for the L2 that the node serves.
        WrongChainError: a node serves another chain than the deployment names.
        RpcUnavailableError: a chain does not answer.
    """
    deployment = load_deployment(settings.deployments_dir, served_chain_id(settings.l2_rpc_url, "L2"))
    l1 = RpcClient(settings.l1_rpc_url, deployment.l1.chain_id, name="L1", patience_seconds=patience_seconds)
    l2 = RpcClient(settings.l2_rpc_url, deployment.l2.chain_id, name="L2", patience_seconds=patience_seconds)
    l1.verify()
    l2.verify()
    return Chains(
        deployment,
        Sender(l1, settings.poster_signer, settings.fee_policy),
        Sender(l2, settings.operator_signer, settings.fee_policy),
        BlobInbox(l1, deployment.l1.blob_inbox),
        ReceiptLedger(l2, deployment.l2.ledger),
        PaymentEscrow(l2, deployment.l2.escrow),
        Operators(l2, deployment.l2.operators),
    )
