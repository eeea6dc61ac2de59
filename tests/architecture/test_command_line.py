"""`tributary` and each of its words: help that a stranger understands, and errors of one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tributary.stages import PARTS

pytestmark = pytest.mark.unit

QUIET = {"PATH": os.environ["PATH"], "COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"}


def tributary(*words: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tributary", *words],
        env={**QUIET, "TRIBUTARY_STATE_DIR": str(folder / "state"), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def sentence(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    assert done.returncode == code, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def test_help_lists_every_part_with_its_purpose(tmp_path: Path) -> None:
    done = tributary("--help", folder=tmp_path)
    assert done.returncode == 0
    for part in PARTS:
        assert f" {part.name} " in done.stdout
        assert part.purpose.split(";")[0].split(",")[0][:40] in done.stdout
    assert "Settings come from the environment" in done.stdout


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_every_part_explains_itself_and_starts_nothing_for_it(part: object, tmp_path: Path) -> None:
    name = part.name  # type: ignore[attr-defined]
    done = tributary(name, "--help", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"tributary {name}" in done.stdout
    assert len(done.stdout.split()) > 25, "its help says too little"
    assert "install-completion" not in done.stdout
    assert not (tmp_path / "state").exists()


def test_a_part_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path) -> None:
    done = tributary("devnte", folder=tmp_path)
    assert done.returncode == 2
    assert "Did you mean 'devnet'?" in done.stderr


def test_an_option_that_a_part_does_not_know_is_refused(tmp_path: Path) -> None:
    done = tributary("devnet", "up", "--moon", folder=tmp_path)
    assert done.returncode == 2
    assert "No such option: --moon" in done.stderr


def test_a_missing_setting_is_one_sentence(tmp_path: Path) -> None:
    text = sentence(tributary("deploy", folder=tmp_path))
    assert text == "L1_RPC_URL is not set (JSON-RPC addresses of L1 nodes, separated by commas); see docs/settings.md."


def test_settings_come_from_a_file_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=loud\n")
    assert sentence(tributary("devnet", "status", folder=tmp_path)).startswith("LOG_LEVEL is wrong")
    assert sentence(tributary("devnet", "status", folder=tmp_path, LOG_LEVEL="info")).startswith(
        "The devnet default is not"
    )
    (tmp_path / "mine").write_text("LOG_FORMAT=runes\n")
    assert sentence(tributary("--env-file", "mine", "devnet", "status", folder=tmp_path)).startswith(
        "LOG_FORMAT is wrong"
    )
    assert (
        sentence(tributary("--env-file", "none", "devnet", "status", folder=tmp_path))
        == "There is no settings file none."
    )


def test_a_lost_database_is_one_sentence(tmp_path: Path) -> None:
    text = sentence(tributary("migrate", folder=tmp_path, DATABASE_URL="postgresql://u:secret@127.0.0.1:1/d"))
    assert text.startswith("PostgreSQL does not")
    assert "secret" not in text


def test_the_traceback_is_shown_only_when_it_is_asked_for(tmp_path: Path) -> None:
    plain = tributary("devnet", "status", folder=tmp_path)
    debug = tributary("--debug", "devnet", "status", folder=tmp_path)
    assert "Traceback" not in plain.stderr
    assert "Traceback (most recent call last)" in debug.stderr
    assert debug.stderr.splitlines()[-1] == plain.stderr.strip()
    assert debug.returncode == plain.returncode == 1
