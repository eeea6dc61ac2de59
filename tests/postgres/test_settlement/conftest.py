"""A distributor on a devnet, three attesters with indexes of their own, and a settler, for all tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import select

from ledger.chain.sender import Sender
from ledger.db.models.settlement import Entitlement, SettledDistribution
from ledger.protocol.distribution import proof_at
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import private_key
from settlement.connections import Connections, PushPolicy
from settlement.records import tree_nodes
from tests.factories.distributor_stage import Stage, attester_server, open_stage
from tests.factories.settled_world import World
from tributary.devnet import Devnet
from tributary.postgres import PostgresServer

PUSH_ALL = PushPolicy(least_units=1, claims_per_transaction=2, transactions_in_flight=2)
DAY_SECONDS = 86_400
ATTESTERS = 3


@pytest.fixture(scope="module")
def quick_devnet() -> Iterator[Devnet]:
    """Chains of this module's own, whose L2 makes a block as soon as there is a transaction."""
    with Devnet.start() as network:
        network.l2_clock.set(0)
        network.l2.call("evm_setAutomine", True)
        yield network


@pytest.fixture
def stage(quick_devnet: Devnet) -> Iterator[Stage]:
    with open_stage(quick_devnet, attesters=ATTESTERS, quorum=2) as stage:
        yield stage


@pytest.fixture(scope="package")
def indexes(postgres_server: PostgresServer, migrated_template: str) -> Iterator[list[str]]:
    """Four databases: the proposer's index first, then one of each attester."""
    names = [f"settlement_life_{os.getpid()}_{i}" for i in range(1 + ATTESTERS)]
    yield [postgres_server.create_database(name, migrated_template) for name in names]
    for name in names:
        postgres_server.drop_database(name)


@pytest.fixture
def world(stage: Stage, indexes: list[str]) -> World:
    return World(stage, indexes)


@pytest.fixture
def attester_urls(world: World) -> Iterator[list[str]]:
    with ExitStack() as stack:
        attesters = [world.stage.attester(i, url) for i, url in enumerate(world.urls[1:])]
        yield [stack.enter_context(attester_server(attester)) for attester in attesters]


@pytest.fixture
def settler_secret(stage: Stage) -> bytes:
    """Key of an account with ether that only this test's settler uses."""
    secret = keccak256(b"settler", stage.distributor.address)
    stage.sender(private_key(secret))
    return secret


@pytest.fixture
def settler(world: World, attester_urls: list[str], settler_secret: bytes) -> Connections:
    sender = Sender(world.stage.rpc, private_key(settler_secret))
    return world.stage.connections(world.urls[0], attester_urls, sender, PUSH_ALL)


def states(settler: Connections) -> list[str]:
    with settler.sessions() as session:
        return list(session.scalars(select(SettledDistribution.state).order_by(SettledDistribution.distribution_id)))


def stored_proof(settler: Connections, payee: bytes) -> list[bytes]:
    """A payee's proof out of what distribution 1 stored."""
    with settler.sessions() as session:
        nodes = tree_nodes(session, session.get_one(SettledDistribution, 1))
        place = session.get_one(Entitlement, (1, payee)).leaf_position
    assert place is not None
    return proof_at(nodes, place)


def pass_activation(world: World) -> None:
    world.stage.devnet.advance(DAY_SECONDS)
    world.index()
