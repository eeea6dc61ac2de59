"""Nothing that Tributary starts outlives it, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tributary.guarded import GuardedProcess

pytestmark = pytest.mark.unit

# A program with a child of its own, both deaf to SIGTERM if it is called with "deaf"; writes both process ids.
FAMILY = """
import os, signal, subprocess, sys, time
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1] + ".new", "w").write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def family(tmp_path: Path, mood: str = "meek") -> list[str]:
    return [sys.executable, "-c", FAMILY, str(tmp_path / "pids"), mood]


def family_pids(tmp_path: Path) -> list[int]:
    wait_for((tmp_path / "pids").exists)
    return [int(word) for word in (tmp_path / "pids").read_text().split()]


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("mood", ["meek", "deaf"])
def test_stop_ends_the_program_and_what_it_started(tmp_path: Path, mood: str) -> None:
    with GuardedProcess(family(tmp_path, mood), tmp_path / "log"):
        pids = family_pids(tmp_path)
        assert all(map(lives, pids))
    assert not any(map(lives, pids))


def test_the_program_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    owner_source = (
        "import sys, time; from pathlib import Path; from tributary.guarded import GuardedProcess;"
        f"process = GuardedProcess({family(tmp_path)!r}, Path({str(tmp_path / 'log')!r})); time.sleep(600)"
    )
    owner = subprocess.Popen([sys.executable, "-c", owner_source])
    pids = family_pids(tmp_path)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    wait_for(lambda: not any(map(lives, pids)))


def test_a_program_without_owner_lives_until_its_guard_is_told_to_end(tmp_path: Path) -> None:
    guarded = GuardedProcess(family(tmp_path), tmp_path / "log", owned=False)
    pids = family_pids(tmp_path)
    os.kill(guarded.pid, signal.SIGTERM)
    wait_for(lambda: not any(map(lives, pids)))
    guarded.stop()


def test_the_exit_code_of_the_program_is_passed_on(tmp_path: Path) -> None:
    guarded = GuardedProcess([sys.executable, "-c", "import sys; print('done'); sys.exit(3)"], tmp_path / "log")
    wait_for(lambda: guarded.exit_code() is not None)
    assert guarded.exit_code() == 3
    assert guarded.log_tail() == "done"
    guarded.stop()


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    guarded = GuardedProcess([str(tmp_path / "absent")], tmp_path / "log")
    wait_for(lambda: guarded.exit_code() is not None)
    assert guarded.exit_code() == 127
    assert "absent can not be started: No such file or directory." in guarded.log_tail()
    guarded.stop()


def test_the_scratch_folder_goes_with_the_program(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with GuardedProcess(family(tmp_path), tmp_path / "log", remove=scratch):
        family_pids(tmp_path)
        assert scratch.exists()
    assert not scratch.exists()
