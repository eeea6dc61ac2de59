"""The demo as a user runs it: figures that fit together, addresses that answer, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import httpx
import psutil
import pytest

from ledger.config import CHECKOUT, state_folder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

REQUESTS = 12
STAGES = ["start", "register", "gateway", "serve", "post", "finalise", "index", "attesters", "settle", "api", "audit"]


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder of this run's own; what set-up installed and compiled is shared by links."""
    folder = Path(os.path.realpath(state_folder()))
    own = tmp_path_factory.mktemp("state")
    own.chmod(0o755)
    for entry in folder.iterdir():
        if not entry.name.startswith(("demo", "postgres", "devnet", "archive")):
            (own / entry.name).symlink_to(entry)
    yield own
    assert not left_behind(own), "the demo left programs running"


def left_behind(state: Path) -> list[str]:
    """Command lines of running programs that know this state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if str(state) in words or process.environ().get("TRIBUTARY_STATE_DIR") == str(state):
                found.append(words)
        except psutil.Error:
            continue
    return found


def start(state: Path, *words: str) -> subprocess.Popen[str]:
    """The demo, its output in `demo.out` of the state folder."""
    with (state / "demo.out").open("w") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tributary", "demo", *words],
            env={**os.environ, "TRIBUTARY_STATE_DIR": str(state), "COLUMNS": "200"},
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            text=True,
            start_new_session=True,
        )


def await_text(state: Path, process: subprocess.Popen[str], text: str, seconds: float = 420) -> str:
    """The output so far, once it holds the text."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        shown = (state / "demo.out").read_text()
        if text in shown:
            return shown
        assert process.poll() is None, shown
        time.sleep(0.2)
    raise AssertionError(f"no {text!r} in {seconds} s: {(state / 'demo.out').read_text()}")


def await_condition(holds: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)
    return holds()


def test_a_kept_demo_adds_up_answers_and_ends_cleanly(state: Path) -> None:
    figures_file = state / "out.json"
    process = start(state, "--requests", str(REQUESTS), "--json", str(figures_file), "--keep")
    shown = await_text(state, process, "Ctrl-C ends it")
    check_figures(json.loads(figures_file.read_text()))
    assert "0 differences" in shown
    api = re.search(r"(http://127\.0\.0\.1:\d+)/docs", shown)
    gateway = re.search(r"(http://127\.0\.0\.1:\d+)/v1/models", shown)
    assert api
    assert gateway
    assert httpx.get(f"{api[1]}/v1/status").json()["conservation"]["holds"] is True
    assert {model["id"] for model in httpx.get(f"{gateway[1]}/v1/models").json()["data"]} >= {"quill", "quill:austen"}
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert await_condition(lambda: not left_behind(state))


def check_figures(out: dict) -> None:
    """The identities of the money, recomputed from the file."""
    units = {name: int(value) for name, value in out.items() if name.endswith("_units")}
    assert out["requests"] == out["receipts"] == REQUESTS
    assert out["batches"] >= 1
    assert out["blobs"] >= 1
    assert min(out["l1_gas"], out["l1_blob_gas"], out["l2_gas"]) > 0
    assert units["deposited_units"] == units["charged_units"] + units["refundable_units"]
    assert units["charged_units"] == units["distributed_units"] + units["dust_units"]
    assert units["distributed_units"] == units["paid_units"] > 0
    assert Fraction(out["audit"]["dust"]) == units["dust_units"] < len(out["payees"])
    assert len(out["payees"]) >= 8
    assert {"protocol", "operator", "base model owner", "adapter owner", "dataset owner", "contributor"} <= {
        payee["role"] for payee in out["payees"]
    }
    assert sum(payee["role"] == "contributor" for payee in out["payees"]) > 10
    assert sum(int(payee["earned_units"]) for payee in out["payees"]) == units["distributed_units"]
    assert all(payee["earned_units"] == payee["paid_units"] for payee in out["payees"])
    assert out["audit"]["differences"] == 0
    assert out["audit"]["kept_receipts"]["found"] == REQUESTS
    assert list(out["seconds"]) == STAGES


def test_an_interrupted_demo_leaves_nothing_running(state: Path) -> None:
    process = start(state, "--requests", "200")
    await_text(state, process, "Starting the gateway")
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert await_condition(lambda: not left_behind(state))


def test_two_demos_do_not_share_a_folder(state: Path) -> None:
    first = start(state, "--requests", "1")
    assert await_condition((state / "demo").is_dir)
    second = subprocess.run(
        [sys.executable, "-m", "tributary", "demo", "--requests", "1"],
        env={**os.environ, "TRIBUTARY_STATE_DIR": str(state)},
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    assert second.returncode == 1
    assert "Another demo runs" in second.stderr
    assert "Traceback" not in second.stderr
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 143
    assert await_condition(lambda: not left_behind(state))
