"""The environment that `./scripts/train --prepare` makes, where torch, transformers and PEFT are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ENVIRONMENT = Path(os.environ.get("TRIBUTARY_STATE_DIR", CHECKOUT / ".tributary")) / "train"
SETTINGS = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(CHECKOUT)}


def run(*words: object) -> None:
    """Runs a program of the checkout to its end."""
    environment = os.environ | SETTINGS
    subprocess.run([str(word) for word in words], cwd=CHECKOUT, env=environment, check=True, capture_output=True)


def training_python() -> Path:
    """Its Python; the test is skipped where the environment was not made."""
    if not (ENVIRONMENT / "installed.txt").exists():
        pytest.skip("torch, transformers and peft are not installed; ./scripts/train --prepare installs them")
    return ENVIRONMENT / "bin" / "python"
