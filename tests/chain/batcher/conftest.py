"""What the batcher's tests share: workers for the whole session; for each module, a deployment with a bonded operator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batcher.proving import ProvingPool
from tests.factories.batcher_world import Batching, batcher_world, proving_pool
from tests.factories.operator_flow import OperatorFlow
from tributary.devnet import Devnet


@pytest.fixture(scope="session")
def pool() -> Iterator[ProvingPool]:
    """Worker processes: starting one takes seconds."""
    with proving_pool() as pool:
        yield pool


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's deployment file is."""
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def flow(devnet: Devnet, folder: Path) -> Iterator[OperatorFlow]:
    """The module's deployment."""
    with batcher_world(devnet, folder) as flow:
        yield flow


@pytest.fixture
def batching(flow: OperatorFlow, folder: Path, database_url: str, pool: ProvingPool) -> Batching:
    """The module's deployment with an empty database of the test's own."""
    return Batching(flow, folder, database_url, pool)
