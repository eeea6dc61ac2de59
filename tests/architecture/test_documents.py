"""What the documents say of the project is so."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from ledger.config import CHECKOUT
from tributary.settings_page import PAGE, render
from tributary.stages import PARTS

pytestmark = pytest.mark.unit

README = (CHECKOUT / "README.md").read_text()


def test_the_settings_page_lists_every_setting() -> None:
    assert render() == PAGE.read_text(), "run python -m tributary.settings_page"


def test_the_readme_names_the_commands_and_they_are_there() -> None:
    for command in ("./scripts/demo", "./scripts/test", "./scripts/bench"):
        assert command in README
        assert (CHECKOUT / command).stat().st_mode & 0o111


def test_the_readme_explains_every_folder() -> None:
    tracked = {
        "contracts",
        "ledger",
        *(part.module.split(".")[0] for part in PARTS),
        "migrations",
        "scripts",
        "tests",
        "docs",
    }
    assert [folder for folder in sorted(tracked) if f"`{folder}/`" not in README] == []


@pytest.mark.parametrize(
    "page",
    sorted(path for path in [CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")]),
    ids=lambda path: path.name,
)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())]
    local = [link for link in links if link and "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_versions_that_are_needed_are_said_alike_everywhere() -> None:
    launcher = (CHECKOUT / "scripts" / "launch.sh").read_text()
    assert "(3, 11) <= sys.version_info" in launcher
    assert json.loads((CHECKOUT / "package.json").read_text())["engines"] == {"node": ">=18"}
    assert "3.11" in README
    assert "Node" in README
    assert sys.version_info >= (3, 11)
