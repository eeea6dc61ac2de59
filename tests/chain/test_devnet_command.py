"""`tributary devnet` as its users meet it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tributary.devnet.node import Node
from tributary.devnet.state import DevnetState

pytestmark = pytest.mark.chain


def devnet(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tributary", "devnet", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def folder(state_dir: Path) -> Iterator[Path]:
    yield state_dir / "devnet" / "default"
    devnet("down")


def test_up_status_and_down_tell_one_story(folder: Path) -> None:
    assert devnet("status").returncode == 1
    up = devnet("up")
    assert up.returncode == 0, up.stderr
    state = DevnetState.read(folder)
    assert state is not None
    assert state.l1_url in up.stdout
    assert state.l2_url in devnet("status").stdout
    with Node(state.l2_url) as node:
        assert node.chain_id() == 901
    again = devnet("up")
    assert again.returncode == 1
    assert again.stderr == "The devnet default is running already; `tributary devnet status` shows where.\n"
    assert devnet("down").stdout == "The devnet default is stopped.\n"
    assert not folder.exists()
    assert devnet("down").stdout == "The devnet default was not running.\n"


def test_the_settings_that_up_writes_point_at_its_chains(folder: Path) -> None:
    devnet("up")
    state = DevnetState.read(folder)
    assert state is not None
    lines = (folder / "env").read_text().splitlines()
    assert {f"L1_RPC_URL={state.l1_url}", f"L2_RPC_URL={state.l2_url}", "DEPLOY_TOKEN=test"} <= set(lines)


def test_a_taken_port_is_one_sentence(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = devnet("up", "--l1-port", str(port))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Port {port} on 127.0.0.1 is taken by another program; choose another one or stop that program.\n"
    )


def test_a_devnet_that_was_killed_is_not_running_and_can_be_started_anew(folder: Path) -> None:
    devnet("up")
    state = DevnetState.read(folder)
    assert state is not None
    guard = psutil.Process(state.pid)
    family = [guard, *guard.children(recursive=True)]
    for process in family:
        process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=30)[1] == []
    assert devnet("status").returncode == 1
    assert devnet("up").returncode == 0


def test_a_process_that_took_over_the_number_is_never_ended(folder: Path) -> None:
    folder.mkdir(parents=True)
    url = "http://127.0.0.1:1"
    DevnetState(os.getpid(), 1.0, url, url, "0x" + "00" * 20, "0x" + "00" * 20).write(folder, {})
    assert devnet("down").stdout == "The devnet default was not running.\n"
