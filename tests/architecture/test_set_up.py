"""The launchers: what they need, what they say without it, and that an interrupted set-up is done again."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from ledger.config import CHECKOUT

pytestmark = pytest.mark.unit

BASE_PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
GOOD_NODE = "echo v18.19.0"
INSTALLING_NPM = """
echo called >> ../npm-calls
mkdir -p node_modules/.bin
for name in anvil forge supersim; do echo > node_modules/.bin/$name; chmod +x node_modules/.bin/$name; done
"""


class Machine:
    """A PATH and a state folder of one's own; programs are shell scripts."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("bash", "dirname", "mkdir", "chmod"):
            (self.programs / name).symlink_to(str(shutil.which(name)))
        self.has("python3", f'exec {BASE_PYTHON} "$@"')

    def has(self, name: str, script: str) -> None:
        (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.programs / name).chmod(0o755)

    def lacks(self, name: str) -> None:
        (self.programs / name).unlink()

    def environment(self) -> dict[str, str]:
        return {"PATH": str(self.programs), "TRIBUTARY_STATE_DIR": str(self.state), "HOME": str(self.state)}

    def set_up(self) -> subprocess.CompletedProcess[str]:
        """What every launcher does first."""
        script = f'set -euo pipefail; . "{CHECKOUT}/scripts/launch.sh"; set_up run'
        return self.run(["bash", "-c", script])

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, check=False, timeout=120, cwd=self.programs
        )

    def has_installed_python_packages(self) -> None:
        """Make it look as after an installation of the Python packages that was not followed by npm's."""
        (self.state / "venv" / "bin").mkdir(parents=True)
        (self.state / "venv" / "bin" / "python").symlink_to(sys.executable)
        stamps = load_set_up(self.state).wanted_stamps("run")
        del stamps["npm"]
        (self.state / "installed.json").write_text(json.dumps(stamps))


def load_set_up(state: Path) -> ModuleType:
    """scripts/set_up.py as a module with this state folder."""
    specification = importlib.util.spec_from_file_location("set_up", CHECKOUT / "scripts" / "set_up.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRIBUTARY_STATE_DIR", str(state))
        specification.loader.exec_module(module)
    return module


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.has("node", GOOD_NODE)
    machine.has("npm", INSTALLING_NPM)
    return machine


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


@pytest.mark.parametrize("launcher", ["demo", "test", "bench"])
def test_without_node_every_launcher_says_so(machine: Machine, launcher: str) -> None:
    machine.lacks("node")
    done = machine.run([str(CHECKOUT / "scripts" / launcher)])
    assert refusal(done) == "Tributary needs Node 18 or newer, and there is none on PATH."
    assert not machine.state.exists()


@pytest.mark.parametrize(("script", "found"), [("echo v16.20.2", "v16.20.2"), ("exit 1", "broken")])
def test_an_old_or_broken_node_is_named(machine: Machine, script: str, found: str) -> None:
    machine.has("node", script)
    assert refusal(machine.set_up()) == f"Tributary needs Node 18 or newer, and {machine.programs}/node is {found}."


def test_a_node_without_npm_is_not_enough(machine: Machine) -> None:
    machine.lacks("npm")
    assert refusal(machine.set_up()) == "Tributary needs npm, which comes with Node, and there is none on PATH."


def test_an_old_python_is_named(machine: Machine) -> None:
    machine.has("python3", 'if [ "$1" = --version ]; then echo Python 3.9.2; else exit 1; fi')
    sentence = refusal(machine.set_up())
    assert sentence.startswith("Tributary needs Python 3.11")
    assert sentence.endswith(f"and there is Python 3.9.2 at {machine.programs}/python3.")


def test_a_machine_without_python_is_told_so(machine: Machine) -> None:
    machine.lacks("python3")
    assert refusal(machine.set_up()).endswith("and there is no Python on PATH.")


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up = load_set_up(tmp_path)
    crippled = tmp_path / "python3"
    crippled.write_text(
        "#!/bin/sh\necho 'The virtual environment was not created: ensurepip is not available.'\nexit 1\n"
    )
    crippled.chmod(0o755)
    # Not every machine has such a Python; this says what Debian's does, and runs as any program would.
    monkeypatch.setattr(sys, "executable", str(crippled))
    with pytest.raises(set_up.SetUpError, match=r"has no venv module; on Debian .* apt-get install python3-venv"):
        set_up.make_venv()


def test_a_state_folder_that_can_not_be_made_is_explained(machine: Machine) -> None:
    machine.state = Path("/dev/null/state")
    assert refusal(machine.set_up()) == "The set-up failed: Not a directory."


def test_a_full_disk_is_noticed_before_anything_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_up = load_set_up(tmp_path)
    monkeypatch.setattr(set_up, "NEEDED_BYTES", 10**18)  # in place of a disk that is full
    with pytest.raises(set_up.SetUpError, match=r"^The packages need .* GB in .*, and .* GB is free\.$"):
        set_up.install_missing("run", "npm")


def test_a_failed_installation_says_why_and_is_done_again(machine: Machine) -> None:
    machine.has_installed_python_packages()
    machine.has("npm", "echo 'npm error code ENOSPC'; echo 'npm error nospc no space left'; exit 228")
    failed = machine.set_up()
    assert failed.returncode == 1
    assert "Installing the locked npm packages failed: code ENOSPC (all of it in " in failed.stderr
    assert "Traceback" not in failed.stderr
    machine.has("npm", INSTALLING_NPM)
    assert machine.set_up().returncode == 0
    assert (machine.state.parent / "npm-calls").read_text() == "called\n"


def test_an_installation_that_was_killed_is_done_again(machine: Machine) -> None:
    machine.has_installed_python_packages()
    machine.has("npm", INSTALLING_NPM + "kill -9 $$")
    assert machine.set_up().returncode == 1
    machine.has("npm", INSTALLING_NPM)
    assert machine.set_up().returncode == 0
    assert (machine.state.parent / "npm-calls").read_text() == "called\n" * 2


def test_a_warm_set_up_installs_nothing_and_takes_less_than_two_seconds(machine: Machine) -> None:
    machine.has_installed_python_packages()
    assert machine.set_up().returncode == 0
    machine.has("npm", "exit 1")
    started = time.monotonic()
    warm = machine.set_up()
    assert (warm.returncode, warm.stdout, warm.stderr) == (0, "", "")
    assert time.monotonic() - started < 2.0


def test_tools_that_somebody_deleted_are_installed_again(machine: Machine) -> None:
    machine.has_installed_python_packages()
    assert machine.set_up().returncode == 0
    shutil.rmtree(machine.state / "node_modules")
    assert machine.set_up().returncode == 0
    assert os.access(machine.state / "node_modules" / ".bin" / "anvil", os.X_OK)


def test_another_lock_is_installed_over_the_old_one(tmp_path: Path) -> None:
    before = load_set_up(tmp_path).wanted_stamps("test")
    changed = load_set_up(tmp_path)
    changed.CHECKOUT = tmp_path
    locks = [f"requirements/{name}.lock" for name in ("run", "test", "full")]
    for name in ("pyproject.toml", "package-lock.json", *locks):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((CHECKOUT / name).read_text() + "\n")
    after = changed.wanted_stamps("test")
    assert {name for name in before if before[name] != after[name]} == {"run", "test", "project", "npm"}
