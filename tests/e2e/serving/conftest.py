"""One world and one gateway for the tests of a module."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openai
import pytest

from tests.e2e.serving.paying import DEPOSIT, Payer
from tests.factories.operator_flow import key_of, operator_flow
from tests.factories.serving_world import RunningGateway, ServingWorld, build_world, buy_key, running
from tributary.devnet import Devnet

RICH = 10**12


@pytest.fixture(scope="session")
def serving_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServingWorld]:
    """Models registered and priced by one operator, lanes 0 to 5 with keys; lane 5 is for receipts that are posted."""
    deployments = tmp_path_factory.mktemp("deployments")
    with Devnet.start() as devnet, operator_flow(devnet, deployments, [key_of("attester")], quorum=1) as flow:
        yield build_world(flow, tmp_path_factory.mktemp("models") / "models", deployments)


@pytest.fixture
def own_models(serving_world: ServingWorld, tmp_path: Path) -> ServingWorld:
    """The world with a models folder that the test may change."""
    shutil.copytree(serving_world.models, tmp_path / "models")
    return replace(serving_world, models=tmp_path / "models")


@pytest.fixture(scope="module")
def gateway(serving_world: ServingWorld, module_database_url: str) -> Iterator[RunningGateway]:
    """A running gateway on lane 0."""
    with running(serving_world.settings(module_database_url)) as one:
        yield one


@pytest.fixture(scope="module")
def api_key(serving_world: ServingWorld, gateway: RunningGateway, request: pytest.FixtureRequest) -> str:
    """Key of a payer who can pay for anything, one payer a module."""
    payer = serving_world.deposit(f"rich payer of {request.module.__name__}", RICH)
    return buy_key(gateway.url, serving_world, payer, RICH)


@pytest.fixture
def client(gateway: RunningGateway, api_key: str) -> Iterator[openai.OpenAI]:
    """The official client, unmodified; it does not try again by itself, so that a test sees what it was told."""
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=api_key, max_retries=0) as one:
        yield one


@pytest.fixture
def payer(
    serving_world: ServingWorld, gateway: RunningGateway, tmp_path: Path, request: pytest.FixtureRequest
) -> Payer:
    """A payer with a deposit and a folder of this test's own."""
    key = serving_world.deposit(request.node.name, DEPOSIT)
    return Payer(serving_world, key, tmp_path / "payer", gateway.url)


@pytest.fixture(scope="module")
def outer(
    serving_world: ServingWorld,
    gateway: RunningGateway,
    module_database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningGateway]:
    """A gateway that buys its answers from the one with the embedded engine."""
    folder: Path = tmp_path_factory.mktemp("outer")
    reseller = serving_world.deposit("the outer gateway", 10**12)
    (folder / "key").write_text(buy_key(gateway.url, serving_world, reseller, 10**12) + "\n")
    (folder / "upstreams.toml").write_text(
        f"models_dir = {json.dumps(str(serving_world.models))}\n"
        f'[[node]]\nurl = "{gateway.url}/v1"\napi_key_file = {json.dumps(str(folder / "key"))}\n'
    )
    with running(serving_world.settings(module_database_url, lane=2, upstreams=folder / "upstreams.toml")) as one:
        yield one
