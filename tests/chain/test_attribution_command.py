"""`tributary attribution` with a registry to ask: whose folder this is, and what the terms admit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ledger.attribution.texts import folder_hash
from ledger.chain.structs import AttributionMode, Kind, Share, Terms
from ledger.protocol.signature import address_of
from tests.factories.operator_flow import OperatorFlow, key_of, operator_flow
from tests.factories.transcripts import keep_transcript
from tributary.attribution.command import app
from tributary.devnet import Devnet

pytestmark = pytest.mark.chain

QUOTE = (
    "Quixotic lamplighters gathered beneath the crumbling aqueduct while seventeen cartographers argued about "
    "longitude and the melancholy of unfinished lighthouses."
)


@dataclass
class Registered:
    """A dataset and two models on chain: one in mode operator that admits it, one in mode fixed."""

    flow: OperatorFlow
    deployments: Path
    dataset: Path
    dataset_id: int
    model: Path
    model_id: int
    fixed_id: int

    def run(self, *words: object) -> Result:
        environment = {"L2_RPC_URL": self.flow.devnet.l2_url, "DEPLOYMENTS_DIR": str(self.deployments)}
        return CliRunner().invoke(app, [str(word) for word in words], env=environment)


@pytest.fixture(scope="module")
def world(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    deployments, texts = tmp_path_factory.mktemp("deployments"), tmp_path_factory.mktemp("texts")
    for name, content in (("dataset", QUOTE), ("model", "weights"), ("fixed", "other weights"), ("none", "unknown")):
        (texts / name).mkdir()
        (texts / name / "text.txt").write_text(content)
    with operator_flow(devnet, deployments, [key_of("attester")], quorum=1) as flow:
        dataset_id = flow.register_hash(folder_hash(texts / "dataset"), terms(), Kind.DATASET)
        by_operator = terms(AttributionMode.OPERATOR, dataset_id)
        yield Registered(
            flow=flow,
            deployments=deployments,
            dataset=texts / "dataset",
            dataset_id=dataset_id,
            model=texts / "model",
            model_id=flow.register_hash(folder_hash(texts / "model"), by_operator, Kind.MODEL),
            fixed_id=flow.register_hash(folder_hash(texts / "fixed"), terms(), Kind.MODEL),
        )


def terms(mode: AttributionMode = AttributionMode.FIXED, *datasets: int) -> Terms:
    owner = Share(address_of(key_of("owner")), 1_000_000)
    return Terms(200_000, 500_000 if datasets else 0, 0, 0, 0, mode, (owner,), (), datasets)


def test_a_receipt_is_recomputed_from_the_registry_alone(world: Registered, tmp_path: Path) -> None:
    library = tmp_path / "library"
    done = world.run("index", world.dataset, "--library", library)
    assert done.exit_code == 0, done.output
    now = world.flow.devnet.now()

    def kept(asset_id: int) -> Path:
        return keep_transcript(library, tmp_path, QUOTE, admitted=[world.dataset_id], asset_id=asset_id, started_at=now)

    done = world.run("recompute", kept(world.model_id), "--library", library, "--adapter", world.model)
    assert done.exit_code == 0, done.output
    assert f'"assetId": {world.dataset_id}, "ppm": 1000000' in done.stdout
    done = world.run("recompute", kept(world.model_id), "--library", library, "--adapter", world.dataset)
    assert "are not those of asset" in str(done.exception)
    done = world.run("recompute", kept(world.fixed_id), "--library", library, "--adapter", world.model)
    assert "are in mode fixed" in str(done.exception)
    done = world.run("recompute", kept(9_999), "--library", library, "--adapter", world.model)
    assert "there is no asset 9999" in str(done.exception).lower()


def test_only_registered_datasets_are_indexed(world: Registered, tmp_path: Path) -> None:
    done = world.run("index", world.dataset.parent / "none", "--library", tmp_path / "library")
    assert done.exit_code == 1
    assert "o asset is registered for the content 0x" in str(done.exception)
    done = world.run("index", world.model, "--library", tmp_path / "library")
    assert "is not a dataset" in str(done.exception)
    assert not (tmp_path / "library").exists()
