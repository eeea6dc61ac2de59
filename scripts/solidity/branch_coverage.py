"""Branch coverage of contracts/src by the forge tests, as forge reports it; fails below the bar.

`branch_coverage.py [--lcov PATH]`: reads a report that is there already, or has forge make one (some minutes).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from ledger.errors import ToolMissingError
from tributary.toolchain import find_tool

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ.get("TRIBUTARY_STATE_DIR") or CHECKOUT / ".tributary").resolve()
LEAST_PERCENT = 95
FOR_DEVELOPMENT = {"contracts/src/TestToken.sol"}
Branches = dict[str, dict[tuple[int, str, str], bool]]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./scripts/contracts coverage", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--lcov", type=Path, help="a report of forge's to read instead of making one")
    report = parser.parse_args().lcov or measure()
    branches = read(report.read_text())
    hit = total = 0
    for file, found in sorted(branches.items()):
        taken = sum(found.values())
        hit, total = hit + taken, total + len(found)
        missed = sorted({line for (line, _, _), was in found.items() if not was})
        lines = f", not taken at {', '.join(map(str, missed))}" if missed else ""
        print(f"{file.removeprefix('contracts/src/'):36} {taken:4} of {len(found):4}{lines}")
    if not total:
        sys.exit("The report has no branches of contracts/src.")
    print(f"branches: {hit} of {total}, {hit * 10_000 // total / 100} %, must be at least {LEAST_PERCENT} %")
    return 0 if hit * 100 >= total * LEAST_PERCENT else 1


def measure() -> Path:
    """Has forge instrument the contracts and run the tests."""
    report = STATE / "forge" / "coverage.lcov"
    report.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "FOUNDRY_CONFIG": "contracts/foundry.toml", "FOUNDRY_PROFILE": "coverage"}
    command = [find_tool("forge"), "coverage", "--report", "lcov", "--report-file", str(report)]
    print("Compiling and running the tests; this takes some minutes …", flush=True)
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"forge coverage failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return report


def read(lcov: str) -> Branches:
    """Whether each branch of each source was taken: by line, block and branch."""
    found: Branches = defaultdict(dict)
    file = ""
    for line in lcov.splitlines():
        key, _, value = line.partition(":")
        if key == "SF":
            file = value
        elif key == "BRDA" and file.startswith("contracts/src/") and file not in FOR_DEVELOPMENT:
            number, block, branch, times = value.split(",")
            found[file][int(number), block, branch] = times not in {"-", "0"}
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ToolMissingError as error:
        sys.exit(str(error))
