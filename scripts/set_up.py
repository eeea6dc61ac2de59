"""Makes the environment that everything runs in, or finds in a fraction of a second that it is there.

`set_up.py run|test|full`: a virtual environment with the locked Python packages (`test`: with the checkers too; `full`:
with what drives a browser and Spark) and the locked npm tools, below `.tributary`. Standard library only, since it runs
before anything is installed.
What is installed is noted by the digest of its lock, and only after the installation has succeeded: one that was
interrupted is done again. Failures are one sentence on standard error and exit code 1.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
STATE = Path(os.environ.get("TRIBUTARY_STATE_DIR") or CHECKOUT / ".tributary").resolve()
VENV = STATE / "venv"
STAMPS = STATE / "installed.json"
LEAST_NODE = 18
NEEDED_BYTES = 1_500_000_000
# Every level contains the one before it; a package that has no wheel needs what the earlier level installed to build it.
LEVELS = ("run", "test", "full")
LOCKS = {"run": ("run",), "test": ("test",), "full": ("test", "full")}
WITHOUT_WHEEL = ("pyspark",)
LOCKED_BINARIES = ("anvil", "forge", "supersim")


class SetUpError(Exception):
    """The environment can not be made; the message is for the user."""


def main() -> int:
    level = sys.argv[1]
    try:
        npm = require_node()
        STATE.mkdir(parents=True, exist_ok=True)
        with (STATE / "set-up.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            install_missing(level, npm)
    except SetUpError as error:
        print(error, file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"{error.filename} can not be written; it belongs to another user.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The set-up failed: {error.strerror or error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def require_node() -> str:
    """Path of npm, if node is there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        raise SetUpError(f"Tributary needs Node {LEAST_NODE} or newer, and there is none on PATH.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    match = re.match(r"v(\d+)\.", version)
    if match is None or int(match[1]) < LEAST_NODE:
        raise SetUpError(f"Tributary needs Node {LEAST_NODE} or newer, and {node} is {version or 'broken'}.")
    if npm is None:
        raise SetUpError("Tributary needs npm, which comes with Node, and there is none on PATH.")
    return npm


def install_missing(level: str, npm: str) -> None:
    """Install what the stamps do not show as installed."""
    wanted = wanted_stamps(level)
    installed = read_stamps()
    if not (VENV / "bin" / "python").exists():
        installed = {name: digest for name, digest in installed.items() if name == "npm"}
    if not all((STATE / "node_modules" / ".bin" / name).exists() for name in expected_binaries()):
        installed.pop("npm", None)
    missing = {name for name, digest in wanted.items() if installed.get(name) != digest}
    if not missing:
        return
    require_space()
    if missing - {"npm"}:
        installed = install_python(level, installed, wanted)
    if "npm" in missing:
        install_npm(npm, installed, wanted)


def wanted_stamps(level: str) -> dict[str, str]:
    """Digest of each thing that a level needs. The larger lock contains the smaller one."""
    wanted = {
        "python": digest_of(platform.python_version(), sys.base_prefix, str(VENV)),
        "run": digest_of((CHECKOUT / "requirements" / "run.lock").read_text()),
        "project": digest_of((CHECKOUT / "pyproject.toml").read_text(), str(CHECKOUT)),
        "npm": digest_of((CHECKOUT / "package-lock.json").read_text()),
    }
    for name in LEVELS[1 : LEVELS.index(level) + 1]:
        wanted[name] = digest_of((CHECKOUT / "requirements" / f"{name}.lock").read_text())
    return wanted


def install_python(level: str, installed: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """Make the virtual environment and fill it from the lock; the new stamps."""
    npm_stamp = {name: digest for name, digest in installed.items() if name == "npm"}
    is_same_python = installed.get("python") == wanted["python"]
    write_stamps(npm_stamp)
    python = VENV / "bin" / "python"
    if not is_same_python or not answers(python, "-m", "pip", "--version"):
        make_venv()
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off"]
    for name in LOCKS[level]:
        lock = CHECKOUT / "requirements" / f"{name}.lock"
        count = len(re.findall(r"^[\w.-]+==", lock.read_text(), re.MULTILINE))
        run_step(
            f"Installing {count} locked Python packages" + (" of the full tests" if name == "full" else ""),
            [*pip, "--require-hashes", "--no-deps", *building(name), "-r", str(lock)],
            "python-packages.log",
        )
    run_step(
        "Linking the project into its environment",
        [*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", str(CHECKOUT)],
        "project.log",
    )
    stamps = {**npm_stamp, **{name: wanted[name] for name in wanted if name != "npm"}}
    write_stamps(stamps)
    return stamps


def building(lock: str) -> tuple[str, ...]:
    """Words for pip on what may be built from its locked source: on Linux only WITHOUT_WHEEL, elsewhere anything.

    Those are built with the setuptools that is locked, never with one that pip would fetch for it.
    """
    from_source = ("--no-binary", ",".join(WITHOUT_WHEEL), "--no-build-isolation") if lock == "full" else ()
    return (*(("--only-binary", ":all:") if platform.system() == "Linux" else ()), *from_source)


def make_venv() -> None:
    """Make an empty virtual environment, in place of one that is broken or of another Python."""
    try:
        run_step("Making a virtual environment", [sys.executable, "-m", "venv", "--clear", str(VENV)], "venv.log")
    except SetUpError as error:
        said = (STATE / "logs" / "venv.log").read_text(errors="replace")
        if "ensurepip" in said or "No module named venv" in said:
            raise SetUpError(
                f"{sys.executable} has no venv module; on Debian and Ubuntu, apt-get install python3-venv brings it."
            ) from error
        raise


def install_npm(npm: str, installed: dict[str, str], wanted: dict[str, str]) -> None:
    """Install the locked npm packages, without letting any of them run a script."""
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(CHECKOUT / name, STATE / name)
    run_step(
        "Installing the locked npm packages",
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"],
        "npm-packages.log",
    )
    for name in expected_binaries():
        if not os.access(STATE / "node_modules" / ".bin" / name, os.X_OK):
            raise SetUpError(f"npm did not install {name}; see {STATE / 'logs' / 'npm-packages.log'}.")
    write_stamps({**installed, "npm": wanted["npm"]})


def expected_binaries() -> tuple[str, ...]:
    """The npm packages bring binaries for Linux on x86-64; elsewhere they are taken from PATH when they are used."""
    return LOCKED_BINARIES if (platform.system(), platform.machine()) == ("Linux", "x86_64") else ()


def run_step(title: str, command: list[str], log_name: str) -> None:
    """Run a command with its output in a log; show that it goes on.

    Raises:
        SetUpError: it failed; with the line of its output that says why.
    """
    log = STATE / "logs" / log_name
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=STATE, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_showing_time(process, title, started)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        raise SetUpError(f"{title} failed: {telling_line(log)} (all of it in {log}).")
    show(f"{title}: {time.monotonic() - started:.0f} s", end="\n")


def wait_showing_time(process: subprocess.Popen[bytes], title: str, started: float) -> None:
    """Wait for a process; on a terminal, count the seconds."""
    if not sys.stderr.isatty():
        show(f"{title} …", end="\n")
    while True:
        try:
            process.wait(1)
        except subprocess.TimeoutExpired:
            if sys.stderr.isatty():
                show(f"{title} … {time.monotonic() - started:.0f} s", end="")
        else:
            return


def show(text: str, end: str) -> None:
    """Write one line of progress, over the last one on a terminal."""
    print(f"\r{text}" if sys.stderr.isatty() else text, end=end, file=sys.stderr, flush=True)


def telling_line(log: Path) -> str:
    """The line of a log that says best what went wrong."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    for pattern in ("No space left on device|ENOSPC", "^ERROR", "^npm (error|ERR!)", "rror"):
        for line in lines:
            if re.search(pattern, line):
                return line.removeprefix("ERROR: ").removeprefix("npm error ").rstrip(".")
    return lines[-1].rstrip(".") if lines else "it said nothing"


def require_space() -> None:
    """Fail early if the disk can not hold the packages."""
    free = shutil.disk_usage(STATE).free
    if free < NEEDED_BYTES:
        raise SetUpError(f"The packages need {NEEDED_BYTES / 1e9:.1f} GB in {STATE}, and {free / 1e9:.1f} GB is free.")


def answers(*command: str | Path) -> bool:
    """Whether a command runs and succeeds."""
    try:
        return subprocess.run([str(word) for word in command], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def digest_of(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def read_stamps() -> dict[str, str]:
    """What is installed, by the digest of its lock."""
    try:
        stamps: dict[str, str] = json.loads(STAMPS.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return stamps


def write_stamps(stamps: dict[str, str]) -> None:
    """Note what is installed, in one step."""
    new = STAMPS.with_suffix(".new")
    new.write_text(json.dumps(stamps, indent=2) + "\n")
    new.replace(STAMPS)


if __name__ == "__main__":
    sys.exit(main())
