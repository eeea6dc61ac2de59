"""What the documents say of the project is so."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from ledger.config import CHECKOUT
from ledger.protocol.authorization import AUTHORIZATION_TYPE
from ledger.protocol.consent import CONSENT_TYPE
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


def test_the_specification_has_the_texts_of_what_is_signed() -> None:
    pages = {
        name: (CHECKOUT / "docs" / "spec" / f"{name}.md").read_text() for name in ("receipt", "draw", "distribution")
    }
    typed = json.loads((CHECKOUT / "tests" / "vectors" / "protocol.json").read_text())
    assert AUTHORIZATION_TYPE in pages["receipt"]
    assert CONSENT_TYPE in pages["draw"]
    texts = {text for text in _texts(typed) if re.match(r"(InferenceReceipt|Distribution)\(", text)}
    assert len(texts) == 2
    assert [text for text in texts if not any(f"    {text}\n" in page for page in pages.values())] == []


def _texts(value: object) -> list[str]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for part in below for text in _texts(part)]


SECONDS = {"s": 1, "seconds": 1, "min": 60, "minutes": 60, "h": 3600, "hours": 3600, "d": 86_400, "days": 86_400}


def test_the_specification_has_the_contracts_windows() -> None:
    source = (CHECKOUT / "contracts" / "src" / "Windows.sol").read_text()
    constants = re.findall(r"^uint40 constant (\w+) = (\d+) (\w+);", source, re.MULTILINE)
    table = (CHECKOUT / "docs" / "spec" / "contracts.md").read_text().split("## Who is trusted")[0]
    stated: dict[str, int] = {}
    for names, values in re.findall(r"^\| ([A-Z_, ]+) \| ([^|]+) \|", table, re.MULTILINE):
        lengths = [int(number) * SECONDS[unit] for number, unit in re.findall(r"(\d+) (\w+)", values)]
        each = names.split(", ")
        stated |= dict(zip(each, lengths if len(lengths) == len(each) else lengths * len(each), strict=True))
    assert {name: int(number) * SECONDS[unit] for name, number, unit in constants} == stated
