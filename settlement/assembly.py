"""Puts settlement together from its settings."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.attribution.following import FollowedLibrary
from ledger.attribution.published import PublishedFolder
from ledger.attribution.standard import standard_method
from ledger.chain.blocks import block_at
from ledger.chain.chain_id import served_chain_id
from ledger.chain.contracts.royalty_distributor import RoyaltyDistributor
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.chain.sender import Sender
from ledger.db.session import open_engine, sessions
from ledger.protocol.entitlement import ProtocolShare
from ledger.setting_types import key_in
from settlement.attester import Attester
from settlement.attester_client import AttesterClient
from settlement.connections import Connections, PushPolicy
from settlement.draw.checking import Draw
from settlement.draw.judging import Judge
from settlement.draw.operators import Operators
from settlement.draw.seeds import L1Seeds
from settlement.node import NodeView
from settlement.scope import Scope
from settlement.transactions import TransactionLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine
    from sqlalchemy.orm import Session, sessionmaker

    from ledger.chain.deployment import Deployment
    from ledger.config import L2Settings
    from settlement.settings import AttesterSettings, SettlementSettings


@dataclass(frozen=True, slots=True)
class AttesterParts:
    """An attester, and what it takes to disable a root."""

    attester: Attester
    distributor: RoyaltyDistributor
    sender: Sender
    engine: Engine


def scope_of(deployment: Deployment) -> Scope:
    """The distributor of a deployment."""
    protocol = ProtocolShare(deployment.protocol_payee, deployment.protocol_ppm)
    return Scope(deployment.l2.chain_id, deployment.l2.distributor, deployment.l2.token, protocol)


def deployment_of(settings: L2Settings) -> Deployment:
    """The deployment on the L2 that the node serves.

    Raises:
        RpcUnavailableError, DeploymentMissingError: no node, or no deployment file for its chain.
    """
    return load_deployment(settings.deployments_dir, served_chain_id(settings.l2_rpc_url, "L2"))


@contextmanager
def open_settlement(settings: SettlementSettings) -> Iterator[tuple[Connections, Engine]]:
    """Everything that a settlement pass touches, closed at the end."""
    deployment = deployment_of(settings)
    scope = scope_of(deployment)
    with ExitStack() as stack:
        patience = settings.rpc_patience_seconds
        rpc = RpcClient(settings.l2_rpc_url, scope.chain_id, name="L2", patience_seconds=patience)
        stack.callback(rpc.close)
        engine = open_engine(settings.database_url.get_secret_value())
        stack.callback(engine.dispose)
        attesters = [AttesterClient(url) for url in settings.attester_urls]
        sender = Sender(rpc, key_in(settings.private_key))
        maker = sessions(engine)
        connections = Connections(
            scope=scope,
            sessions=maker,
            rpc=rpc,
            distributor=RoyaltyDistributor(rpc, scope.distributor),
            transactions=TransactionLog(maker, sender, settings.wait_seconds),
            attesters=attesters,
            policy=PushPolicy(
                settings.min_claim_units, settings.claims_per_transaction, settings.transactions_in_flight
            ),
        )
        yield connections, engine


@contextmanager
def open_attester(settings: AttesterSettings) -> Iterator[AttesterParts]:
    """An attester over its own database and node, closed at the end."""
    deployment = deployment_of(settings)
    scope = scope_of(deployment)
    with ExitStack() as stack:
        rpc = RpcClient(settings.l2_rpc_url, scope.chain_id, name="L2")
        stack.callback(rpc.close)
        engine = open_engine(settings.database_url.get_secret_value())
        stack.callback(engine.dispose)
        key = key_in(settings.private_key)
        distributor = RoyaltyDistributor(rpc, scope.distributor)
        draw = _draw(
            settings, deployment, sessions(engine), Operators(settings.operators, key, _clock(settings, rpc)), stack
        )
        attester = Attester(scope, sessions(engine), NodeView(rpc, distributor), key, draw)
        yield AttesterParts(attester, distributor, Sender(rpc, key), engine)


def _clock(settings: AttesterSettings, l2: RpcClient) -> Callable[[], int]:
    """The time that gateways go by."""
    if settings.follow_chain_clock:
        return lambda: block_at(l2, "latest").timestamp
    return lambda: int(time.time())


def _draw(
    settings: AttesterSettings,
    deployment: Deployment,
    maker: sessionmaker[Session],
    operators: Operators,
    stack: ExitStack,
) -> Draw | None:
    """The attester's part in the draw; None unless everything that it takes is set."""
    if not (settings.l1_rpc_url and operators.known and settings.attribution_dir and settings.published_dir):
        return None
    l1 = RpcClient(settings.l1_rpc_url, deployment.l1.chain_id, name="L1")
    stack.callback(l1.close)
    library = FollowedLibrary(settings.attribution_dir, standard_method())
    published = PublishedFolder(settings.published_dir)
    seeds = L1Seeds(l1, deployment.l1.deployed_at_block)
    return Draw(maker, seeds, operators, Judge(deployment.receipt_domain, library, published))
