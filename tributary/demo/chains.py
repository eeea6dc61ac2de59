"""The demo's view of the chains: contracts to call, accounts that pay gas, and clocks that can be moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.chain.contracts.attribution_registry import AttributionRegistry
from ledger.chain.contracts.operators import Operators
from ledger.chain.contracts.payment_escrow import PaymentEscrow
from ledger.chain.contracts.receipt_ledger import ReceiptLedger
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.contracts.token import Token
from ledger.chain.quantities import to_data
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ledger.chain.deployment import Deployment
    from ledger.chain.transaction import Call
    from tributary.demo.cast import Actor
    from tributary.devnet import Devnet

GAS_LIMIT = 2_500_000
"""Enough for the largest registration; set by hand so that calls that build on each other share a block."""
CALLS_PER_BLOCK = 8
FAUCET_WEI = 10**18


@dataclass(frozen=True, slots=True)
class Contracts:
    """The L2 contracts of one deployment."""

    token: Token
    registry: AttributionRegistry
    operators: Operators
    escrow: PaymentEscrow
    ledger: ReceiptLedger
    distributor: RoyaltyDistributor

    @classmethod
    def of(cls, rpc: RpcClient, deployment: Deployment) -> Contracts:
        """Bound to their addresses."""
        at = deployment.l2
        return cls(
            Token(rpc, at.token),
            AttributionRegistry(rpc, at.registry),
            Operators(rpc, at.operators),
            PaymentEscrow(rpc, at.escrow),
            ReceiptLedger(rpc, at.ledger),
            RoyaltyDistributor(rpc, at.distributor),
        )


class Chains:
    """Both chains of a devnet with a deployment on them."""

    def __init__(self, devnet: Devnet, deployment: Deployment) -> None:
        self.devnet = devnet
        self.deployment = deployment
        self.l1 = RpcClient([devnet.l1_url], deployment.l1.chain_id, name="L1")
        self.l2 = RpcClient([devnet.l2_url], deployment.l2.chain_id, name="L2")
        self.contracts = Contracts.of(self.l2, deployment)

    def fund(self, actors: Iterable[Actor]) -> None:
        """Give each actor ether for gas on both chains."""
        for actor in actors:
            for node in (self.devnet.l1, self.devnet.l2):
                node.call("anvil_setBalance", to_data(actor.address), hex(FAUCET_WEI))

    def send(self, calls: Sequence[tuple[Actor, Call]]) -> None:
        """Put the calls on L2 in this order, several to a block.

        Raises:
            ContractRevertedError: one of them reverts; the sentence names the contract's error.
        """
        for start in range(0, len(calls), CALLS_PER_BLOCK):
            self._send_block(calls[start : start + CALLS_PER_BLOCK])

    def _send_block(self, calls: Sequence[tuple[Actor, Call]]) -> None:
        senders: dict[bytes, Sender] = {}
        nonces: dict[bytes, int] = {}
        sent = []
        for actor, call in calls:
            sender = senders.setdefault(actor.address, Sender(self.l2, actor.key))
            nonce = nonces.setdefault(actor.address, sender.next_nonce())
            tx = sender.sign(call, nonce=nonce, gas_limit=GAS_LIMIT)
            nonces[actor.address] = nonce + 1
            sender.broadcast(tx)
            sent.append((sender, tx, call))
        self.devnet.l2.mine()
        for sender, tx, call in sent:
            sender.succeeded(sender.wait([tx.hash]), call)
