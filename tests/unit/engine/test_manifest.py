"""What is shipped is what the manifest and the cards say."""

import hashlib
import json

import pytest

from ledger.errors import CheckpointError
from serving.engine.files import read_folder
from serving.engine.manifest import load_manifest

pytestmark = pytest.mark.unit

MEBIBYTE = 1 << 20


def test_every_shipped_file_has_the_size_and_digest_of_the_manifest_and_none_is_missing_or_more(models_path):
    for asset in load_manifest(models_path):
        assert read_folder(asset.path, 1 << 30).listing() == tuple(sorted(asset.files)), asset.name


def test_assets_come_after_their_parents_and_datasets_and_no_two_are_alike(models_path):
    assets = load_manifest(models_path)
    seen: set[str] = set()
    for asset in assets:
        assert {*asset.datasets, *([asset.parent] if asset.parent else [])} <= seen
        assert (asset.parent is not None) == (asset.kind == "Adapter")
        assert (asset.model_id is None) == (asset.kind == "Dataset")
        seen.add(asset.name)
    assert len(seen) == len(assets)
    assert len({asset.content_hash for asset in assets}) == len(assets)
    assert sum(asset.kind == "Adapter" for asset in assets) >= 6


def test_the_shipped_files_stay_small(models_path):
    sizes = [file.size_bytes for asset in load_manifest(models_path) for file in asset.files]
    assert max(sizes) <= 6 * MEBIBYTE
    assert sum(sizes) <= 12 * MEBIBYTE


def test_every_model_s_record_names_its_texts_and_weights_by_digest_and_learnt_something(models_path):
    datasets = {asset.name: asset.path for asset in load_manifest(models_path) if asset.kind == "Dataset"}
    for asset in load_manifest(models_path):
        if asset.kind == "Dataset":
            continue
        record = json.loads((asset.path / "training.json").read_text())
        assert record["licence"] == asset.licence
        assert [entry["name"] for entry in record["datasets"]] == list(asset.datasets)
        for entry in record["datasets"]:
            text = (datasets[entry["name"]] / "text.txt").read_bytes()
            assert hashlib.sha256(text).hexdigest() == entry["text_sha256"]
        for name, digest in record["weights_sha256"].items():
            assert hashlib.sha256((asset.path / name).read_bytes()).hexdigest() == digest
        losses = record["held_out_loss"].values()
        assert sum(loss["after"] for loss in losses) < sum(loss["before"] for loss in losses)


def test_every_folder_says_where_it_comes_from_and_on_what_licence(models_path):
    for asset in load_manifest(models_path):
        card = (asset.path / "README.md").read_text()
        assert card.startswith("---\nlicense: ")
        assert asset.licence.lower() in card.lower()
        if asset.kind == "Dataset":
            text = (asset.path / "text.txt").read_bytes()
            assert hashlib.sha256(text).hexdigest() in card
            assert "public domain" in card


@pytest.mark.parametrize("content", [None, "{", "[]", '{"format": 2, "assets": []}', '{"format": 1, "assets": [{}]}'])
def test_a_folder_without_a_readable_manifest_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(CheckpointError):
        load_manifest(tmp_path)


def test_a_manifest_that_is_no_text_is_not_repeated(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"\xffSECRET" * 1000)
    with pytest.raises(CheckpointError, match="is not a manifest of shipped models: ") as told:
        load_manifest(tmp_path)
    assert "SECRET" not in str(told.value)
