"""Who may import whom, and what a module may be called."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger import errors
from ledger.config import CHECKOUT

pytestmark = pytest.mark.unit

PACKAGES = ("ledger", "serving", "batcher", "indexer", "api", "settlement", "audit", "watcher", "payer", "tributary")
DRAWERS = {"utils", "util", "helpers", "helper", "common", "core", "manager", "misc"}
MOST_LINES = 350


def sources() -> list[Path]:
    return sorted(file for package in PACKAGES for file in (CHECKOUT / package).rglob("*.py"))


def test_no_layer_imports_what_stands_above_it() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_every_package_says_what_it_is_for() -> None:
    silent = [
        package
        for package in PACKAGES
        if not ast.get_docstring(ast.parse((CHECKOUT / package / "__init__.py").read_text()))
    ]
    assert silent == []


def test_no_folder_or_module_is_a_drawer() -> None:
    drawers = [
        str(file.relative_to(CHECKOUT))
        for file in sources()
        if DRAWERS & {file.stem, *file.relative_to(CHECKOUT).parts}
    ]
    assert drawers == []


def test_no_file_is_longer_than_one_can_read() -> None:
    contracts = (CHECKOUT / "contracts" / "src").rglob("*.sol")
    lengths = {file: len(file.read_text().splitlines()) for file in [*sources(), *contracts]}
    assert {str(file): length for file, length in lengths.items() if length > MOST_LINES} == {}


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    classes = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.TributaryError)
    ]
    real = {kind.__name__: kind.__base__.__name__ for kind in classes if kind.__base__ not in (None, Exception)}
    assert drawn_parents(errors.__doc__ or "") == real


def drawn_parents(drawing: str) -> dict[str, str]:
    """Name of the parent of each drawn class; a level is four columns deep."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for prefix, name in re.findall(r"^ {4}([│├└─ ]*)(\w+Error)\b", drawing, re.MULTILINE):
        path[len(prefix) // 4 :] = [name]
        if len(path) > 1:
            parents[name] = path[-2]
    return parents
