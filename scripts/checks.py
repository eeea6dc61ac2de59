"""Runs every check of the project and says what ran and what did not; `./scripts/test` starts it.

A new kind of check is one more row of CHECKS; a new suite of tests is a folder below tests/ with one of the markers.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import ToolMissingError
from tributary.toolchain import find_tool

CHECKOUT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
NEEDED_BY_FULL = {"chromium": ("chromium", "chromium-browser"), "java": ("java",)}
NO_TESTS = 5  # pytest's exit code
FORGE_RAN = r"[1-9]\d* tests? passed"
WORKERS = 3
"""More than processors: tests wait for blocks more than they compute. Each holds up to 3 GB of chains."""


@dataclass(frozen=True)
class Check:
    """One check: what it is called, its command, and a pattern that its output must show if it did anything.

    One that runs `beside` is started first and awaited last: compiling Solidity takes a minute of one processor, and
    the tests spend most of their time waiting for blocks. One of the `full` ones runs with --full, or when it is named.
    """

    name: str
    command: tuple[str, ...]
    proof: str = ""
    beside: bool = False
    full: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a check ended."""

    name: str
    passed: bool
    seconds: float
    remark: str = ""


def checks() -> list[Check]:
    """Every check but pytest, the quick ones first."""
    # As a variable: with --config-path, forge takes the file's folder for the project's root and finds nothing there.
    forge = ("/usr/bin/env", "FOUNDRY_CONFIG=contracts/foundry.toml", str(find_tool("forge")), "test")
    contracts = str(CHECKOUT / "scripts" / "contracts")
    scripts = [str(file) for file in sorted((CHECKOUT / "scripts").glob("*.py"))]
    return [
        Check("ruff check", (str(PROGRAMS / "ruff"), "check", ".")),
        Check("ruff format", (str(PROGRAMS / "ruff"), "format", "--check", ".")),
        Check("import-linter", (str(PROGRAMS / "lint-imports"), "--no-cache"), proof=r"Contracts: [1-9]"),
        Check("mypy", (str(PROGRAMS / "mypy"),), proof="no issues found"),
        Check("mypy scripts", (str(PROGRAMS / "mypy"), *scripts), proof="no issues found"),
        # Compiled without optimising: a minute instead of eight. tests/chain deploys what the optimiser makes.
        Check("forge test", ("/usr/bin/env", "FOUNDRY_PROFILE=lite", *forge), proof=FORGE_RAN, beside=True),
        Check("forge test, optimised", forge, proof=FORGE_RAN, beside=True, full=True),
        Check("slither", (contracts, "slither"), proof=r"slither: [1-9]\d* findings", full=True),
        Check("branch coverage", (contracts, "coverage"), proof=r"branches: [1-9]", full=True),
    ]


def main() -> int:
    options, for_pytest = parse(sys.argv[1:])
    if options.full:
        require_tools()
    chosen = [
        check for check in checks() if options.only == check.name or (not options.only and options.full >= check.full)
    ]
    with ThreadPoolExecutor() as pool:
        beside = [pool.submit(run, check) for check in chosen if check.beside]
        outcomes = [run(check) for check in chosen if not check.beside]
        closing = ""
        if options.only in (None, "pytest"):
            outcome, closing = run_pytest(for_pytest, full=options.full)
            outcomes.append(outcome)
        outcomes.extend(future.result() for future in beside)
    if not outcomes:
        names = ", ".join([*(check.name for check in checks()), "pytest"])
        sys.exit(f"There is no check {options.only}; there are {names}.")
    report(outcomes, options, for_pytest, closing)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def parse(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="./scripts/test",
        description="Runs every check: ruff, import-linter, mypy, forge, pytest.",
        epilog="All other arguments go to pytest, for example -k receipt, -x or a path.",
        allow_abbrev=False,
    )
    parser.add_argument("--full", action="store_true", help="also what needs a browser or Java, and what takes long")
    parser.add_argument("--only", metavar="CHECK", help="one check alone, for example pytest or 'forge test'")
    return parser.parse_known_args(words)


def require_tools() -> None:
    """End with a sentence if a program that the full tests need is not there."""
    missing = [name for name, words in NEEDED_BY_FULL.items() if not any(map(shutil.which, words))]
    if missing:
        sys.exit(
            f"./scripts/test --full needs {', '.join(missing)} on PATH; "
            "on Debian: apt-get install chromium default-jre-headless."
        )


def run(check: Check) -> Outcome:
    """Run a check quietly; show its output only if it fails."""
    if check.beside:
        print(f"==> {check.name} begins, beside the others", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        check.command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    seconds = time.monotonic() - started
    passed, remark = done.returncode == 0, ""
    if passed and check.proof and not re.search(check.proof, done.stdout):
        passed, remark = False, "it ran nothing"
    print(f"==> {check.name} … {'ok' if passed else f'FAILED {remark}'.strip()} ({seconds:.1f} s)", flush=True)
    if not passed:
        print(done.stdout, flush=True)
    return Outcome(check.name, passed, seconds, remark)


def run_pytest(words: list[str], *, full: bool) -> tuple[Outcome, str]:
    """Run pytest with its output shown as it comes; its outcome and the line that it closes with."""
    print("==> pytest", flush=True)
    command = [sys.executable, "-m", "pytest", *side_by_side(words), *(["-m", ""] if full else []), *words]
    environment = {**os.environ, "COLUMNS": os.environ.get("COLUMNS", "120")}
    if sys.stdout.isatty():
        command.append("--color=yes")
    started, closing = time.monotonic(), ""
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            while chunk := os.read(process.stdout.fileno(), 65536).decode(errors="replace"):
                print(chunk, end="", flush=True)
                closing = (closing + chunk)[-2000:]
        except KeyboardInterrupt:
            process.wait()  # it got the same signal and is cleaning up
            raise
    remark = "no test was selected" if process.returncode == NO_TESTS else ""
    lines = closing.strip().splitlines()
    return Outcome("pytest", process.returncode == 0, time.monotonic() - started, remark), lines[-1] if lines else ""


def side_by_side(words: list[str]) -> list[str]:
    """Workers for a run of the whole suite: its tests wait for blocks more than they compute.

    A run with words of its own (-x, -k, a path, a debugger) stays in one process.
    """
    return [] if words else ["-n", str(WORKERS), "--dist", "loadfile"]


def report(outcomes: list[Outcome], options: argparse.Namespace, words: list[str], closing: str) -> None:
    """Say what ran, what did not, and last the line that pytest closed with."""
    print("\n==> summary")
    for outcome in outcomes:
        verdict = "passed" if outcome.passed else f"FAILED {outcome.remark}".strip()
        print(f"    {outcome.name:22} {verdict} in {outcome.seconds:.1f} s")
    for what in left_out(options, words):
        print(f"    left out: {what}")
    if closing:
        print(closing)


def left_out(options: argparse.Namespace, words: list[str]) -> list[str]:
    """What this call did not run, although a call could."""
    omitted = []
    if options.only:
        omitted.append(f"every check but {options.only} (--only)")
    if not options.full:
        only_full = [check.name for check in checks() if check.full]
        omitted.append(f"{'; '.join(only_full)}; tests that need a browser or Java (run ./scripts/test --full)")
    if words:
        omitted.append(f"what pytest leaves out for {' '.join(words)}")
    return omitted


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ToolMissingError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
