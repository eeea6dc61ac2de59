"""Other engines that benchmarks run beside ours: none is taken for installed that is not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from benchmarks.measuring.other_engines import ENGINES, ENVIRONMENT, engines_python, measure_engine

pytestmark = pytest.mark.unit


def test_only_what_was_installed_to_its_end_and_at_its_version_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIBUTARY_STATE_DIR", str(tmp_path))
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    folder = tmp_path / "bench-engines"
    assert engines_python(may_install=False) == (None, frozenset())
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()  # an installation that was cut off
    assert engines_python(may_install=False) == (None, frozenset())
    for noted, have in (
        ("[]", set()), ("{", set()), (json.dumps({"tokengrams": "tokengrams==0.0.1", "nobody": "x"}), set()),
        (json.dumps({"tokengrams": ENGINES["tokengrams"]}), {"tokengrams"}),
    ):  # fmt: skip
        (folder / "engines.json").write_text(noted)
        found = engines_python(may_install=False)
        assert found == (folder / "bin" / "python" if have else None, frozenset(have))
    (folder / "engines.json").write_text(json.dumps(ENGINES))
    assert engines_python(may_install=True) == (folder / "bin" / "python", frozenset(ENGINES))  # nothing to do


def test_one_that_does_not_run_is_named_in_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tokenizer, false = Tokenizer(models.BPE()), Path("/bin/false")
    assert measure_engine("tokengrams", false, np.zeros(9, np.uint16), tokenizer, ["a"], tmp_path) is None
    assert capfd.readouterr().err.splitlines()[-1] == "tokengrams does not run here: no word"
