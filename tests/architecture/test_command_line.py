"""`tributary` and each of its words: help that a stranger understands, and errors of one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.config import CHECKOUT
from tributary.stages import PARTS

pytestmark = pytest.mark.unit

QUIET = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1"}


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


DEAD = "postgresql://u:secret@127.0.0.1:1/d"
NODES = dict.fromkeys(("L1_RPC_URL", "L2_RPC_URL", "BEACON_URL"), "http://127.0.0.1:1") | {
    "REGISTER_KEY": f"0x{1:064x}"
}
PAYER = f"0x{1:040x}"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("--env-file binary migrate", 1, "The settings file binary is not text."),
        ("demo --json .", 1, ". is a folder; name a file to write."),
        (
            "audit --json none/report",
            2,
            "could not be finished: none/report can't be written: there is no folder none.",
        ),
        ("audit --through never", 2, "--through is finalized, safe, latest or the number of a block, not 'never'."),
        ("audit --l2-rpc-url nonsense", 2, "L2_RPC_URL is wrong (JSON-RPC addresses"),
        ("pay resume --folder mistyped", 1, "There is no payer's book in mistyped; --folder names the one that"),
        ("pay resume --folder binary", 1, "There is no payer's book in binary"),
        ("api --port 0", 1, "PostgreSQL does not answer (connection failed"),
        ("verify payout binary .", 1, "binary does not hold at file: it is not JSON."),
        ("register text --kind dataset --royalty lots", 1, "--royalty: 'lots' is neither parts per million nor a per"),
        ("register text --kind dataset --terms deep.json", 1, "deep.json is not JSON: "),
        ("register text --kind dataset --terms /dev/zero", 1, "/dev/zero is larger than any file of this kind"),
        ("register text --kind dataset --key-file /dev/zero", 1, "The key file /dev/zero can't be read."),
        ("register text --kind dataset --contributors /dev/zero", 1, "/dev/zero is larger than any file of this kind"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_before_anything_is_done(
    words: str, code: int, told: str, tmp_path: Path
) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "text").write_text("text")
    (tmp_path / "deep.json").write_text("[" * 200_000)
    done = tributary(*words.split(), folder=tmp_path, DATABASE_URL=DEAD, **NODES)
    assert told in sentence(done, code)
    assert "secret" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"binary", "text", "deep.json"}


def test_a_payers_key_without_a_database_says_why_at_once(tmp_path: Path) -> None:
    text = sentence(tributary("key", PAYER, folder=tmp_path, DATABASE_URL=DEAD, SERVING_OPERATOR=PAYER, **NODES))
    assert text.startswith("PostgreSQL does not answer (connection failed")


def test_an_interrupted_command_ends_with_its_own_code_and_no_traceback(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "tributary", "verify", "payout", "pipe"]
    with (
        subprocess.Popen(command, env=QUIET, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process,
        (tmp_path / "pipe").open("wb"),  # opens once the command reads it
    ):
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")


def test_an_interrupt_while_modules_load_shows_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    path = os.pathsep.join([str(tmp_path), str(CHECKOUT)])
    done = tributary("--help", folder=tmp_path, PYTHONPATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
