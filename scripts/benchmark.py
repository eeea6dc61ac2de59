"""Runs one benchmark of `benchmarks/`, or lists them."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
FOLDER = CHECKOUT / "benchmarks"


def main() -> None:
    known = {file.stem.replace("_", "-"): file for file in sorted(FOLDER.glob("[a-z]*.py"))}
    words = sys.argv[1:]
    if not words or words[0] in {"--help", "-h"}:
        print("./scripts/bench NAME [OPTION …], where NAME is one of")
        for name, file in known.items():
            print(f"  {name:24} {purpose(file)}")
        return
    if words[0] not in known:
        sys.exit(f"There is no benchmark {words[0]}; there are {', '.join(known) or 'none yet'}.")
    module = known[words[0]].stem
    # Not by changing the folder: paths on the command line are the caller's.
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    os.execve(sys.executable, [sys.executable, "-m", f"benchmarks.{module}", *words[1:]], environment)


def purpose(file: Path) -> str:
    """First line of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]


if __name__ == "__main__":
    main()
