"""What the pages load is what the npm lock pins, byte for byte."""

from __future__ import annotations

import runpy

import pytest

from ledger.config import CHECKOUT

pytestmark = pytest.mark.unit


def test_vendored_files_are_those_of_the_locked_packages() -> None:
    vendor = runpy.run_path(str(CHECKOUT / "scripts" / "vendor.py"))
    assert vendor["differing"]() == [], "run `python scripts/vendor.py` after a change of package-lock.json"


def test_the_wheel_ships_the_pages() -> None:
    pages = CHECKOUT / "api" / "pages"
    assert (pages / "shell.html").is_file()
    assert {path.suffix for path in (pages / "static").iterdir() if path.is_file()} == {".css", ".js", ".svg"}
