"""The training extra: a run repeats itself to the byte, and the committed references are what its libraries compute."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.factories.training_environment import CHECKOUT, run, training_python

pytestmark = [pytest.mark.full, pytest.mark.timeout(1_800)]


@pytest.fixture(scope="module")
def python() -> Path:
    return training_python()


def digests(folder: Path) -> dict[str, str]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_run_repeated_with_the_same_seeds_gives_the_same_bytes(python, tmp_path):
    for name in ("first", "second"):
        shutil.copytree(CHECKOUT / "models" / "datasets", tmp_path / name / "datasets")
        run("scripts/train", "--models", tmp_path / name, "--shorten", "400")
    assert digests(tmp_path / "first") == digests(tmp_path / "second")


def test_the_committed_references_are_what_transformers_and_peft_compute(python, tmp_path):
    run(python, "-m", "scripts.training.vectors", CHECKOUT / "models", tmp_path)
    committed = CHECKOUT / "tests" / "unit" / "engine" / "reference"
    for name in ("shipped.json", "chats.json"):
        assert json.loads((tmp_path / name).read_text()) == json.loads((committed / name).read_text())
    for name in ("shipped.npz", "tiny/logits.npz"):
        computed, kept = np.load(tmp_path / name), np.load(committed / name)
        assert set(computed) == set(kept)
        assert all(np.abs(computed[key] - kept[key]).max() < 1e-3 for key in kept)
