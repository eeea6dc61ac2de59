"""The chains as the watcher sees them: nodes, contracts, and an account if it has a key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from coincurve import PrivateKey

from ledger.chain.chain_id import served_chain_id
from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.contracts.challenges import Challenges
from ledger.chain.contracts.operators import Operators
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.deployment import Deployment, load_deployment
from ledger.chain.logs import LogDecoder
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender

if TYPE_CHECKING:
    from watcher.settings import WatcherSettings


@dataclass(frozen=True)
class Chains:
    """What it takes to watch one deployment. `account` simulates; it sends only if the key is one's own."""

    deployment: Deployment
    l1: RpcClient | None
    l2: RpcClient
    account: Sender
    ledger: ReceiptLedger
    operators: Operators
    registry: AttributionRegistry
    challenges: Challenges

    @cached_property
    def events(self) -> LogDecoder:
        """Decodes what the ledger, the operators' bonds and the challenges emit."""
        l2 = self.deployment.l2
        return LogDecoder(
            {l2.ledger: "ReceiptLedger", l2.operators: "Operators", l2.receipt_challenges: "ReceiptChallenges"}
        )

    def close(self) -> None:
        """Close the connections."""
        self.l2.close()
        if self.l1 is not None:
            self.l1.close()


def open_chains(settings: WatcherSettings, patience_seconds: float) -> Chains:
    """The chains, checked to be those of the deployment.

    Raises:
        DeploymentMissingError: no deployment for the L2 that the node serves.
        WrongChainError: a node serves another chain than the deployment names.
        RpcUnavailableError: a chain does not answer.
    """
    deployment = load_deployment(settings.deployments_dir, served_chain_id(settings.l2_rpc_url, "L2"))
    l2 = RpcClient(settings.l2_rpc_url, deployment.l2.chain_id, name="L2", patience_seconds=patience_seconds)
    l2.verify()
    l1 = None
    if settings.l1_rpc_url is not None:
        l1 = RpcClient(settings.l1_rpc_url, deployment.l1.chain_id, name="L1", patience_seconds=patience_seconds)
        l1.verify()
    return Chains(
        deployment,
        l1,
        l2,
        Sender(l2, settings.signer or PrivateKey(), settings.fee_policy),
        ReceiptLedger(l2, deployment.l2.ledger),
        Operators(l2, deployment.l2.operators),
        AttributionRegistry(l2, deployment.l2.registry),
        Challenges(l2, deployment.l2),
    )
