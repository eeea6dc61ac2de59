"""Every command, setting and file that the documents name is there, with these options."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import typer

from ledger.config import CHECKOUT
from tributary.cli import application
from tributary.settings_page import PAGE
from tributary.stages import PARTS

pytestmark = pytest.mark.unit

PAGES = [CHECKOUT / name for name in ("README.md", "CHANGELOG.md", "benchmarks/README.md", "contracts/README.md")]
PAGES += [path for path in (CHECKOUT / "docs").rglob("*.md") if path != PAGE]
TEXTS = {path.relative_to(CHECKOUT).as_posix(): path.read_text() for path in PAGES}

_SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_CALL = re.compile(r"(?:^|\s)(tributary|\./scripts/[a-z-]+)((?: +\S+)*)")
_OPTION = re.compile(r"--[a-z][a-z0-9-]*")
_VARIABLE = re.compile(
    r"\b(?:API|ARCHIVE|ATTESTER|ATTRIBUTION|AUDIT|BATCHER|DEPLOY|INDEXER|PAY|REGISTER|SERVING|SETTLEMENT|WATCHER)_[A-Z_]*[A-Z]\b"
)
_NO_VARIABLE = {
    "BATCHER_ATTRIBUTION_METHOD",
    "ATTESTER_NOTICE",
}  # gone, as the changelog says; a window of the contracts
_NO_COMMAND = {
    "tributary attribution parameters 1",
    "tributary content 1",
    "tributary request",
    "tributary transcript 1",
}
"""What hashed texts of the protocol begin with."""
_FILE = re.compile(r"(?:tests|scripts|benchmarks|contracts|ledger|examples|models|requirements)/[\w./-]*\w")
_MADE_BY_RUNS = {"contracts/deployments", "contracts/MUTANTS.md"}


def calls() -> list[str]:
    """Command lines: code spans and the lines of code blocks, from the program's name on, without comments."""
    found = set()
    for text in TEXTS.values():
        blocks, prose = _apart(text)
        pieces = [*blocks, *(span.replace("\n", " ") for span in _SPAN.findall(prose))]
        for piece in pieces:
            line = re.split(r"\s+#\s|\s+[;&|>]+\s", f"{piece} ")[0]
            found |= {f"{match[1]}{match[2].rstrip('.,;:)')}" for match in _CALL.finditer(line)}
    return sorted(call for call in found - _NO_COMMAND if len(call.split()) > 1 or call.startswith("./"))


def _apart(text: str) -> tuple[list[str], str]:
    """The lines of code blocks, fenced or indented, and the rest."""
    blocks, prose, fenced = [], [], False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            blocks.append(line.strip())
        else:
            prose.append(line)
    return blocks, "\n".join(prose)


@cache
def command(name: str) -> Any:
    """The command behind a word of the program, None if there is none."""
    modules = {part.name: part.module for part in PARTS}
    if name in modules:
        return typer.main.get_command(importlib.import_module(modules[name]).app)
    return typer.main.get_command(application).commands.get(name)  # type: ignore[attr-defined]


def wrong_words(words: list[str]) -> list[str]:
    """What the program would not take of the words after its name: no such command, no such option."""
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] == "--env-file" else words[1:]
    if not words or not re.fullmatch(r"[a-z|]+", words[0]):
        return []
    found = command(words[0])
    if found is None:
        return [words[0]]
    options = {name for parameter in found.params for name in parameter.opts}
    for word in words[1:]:
        below = getattr(found, "commands", {}).get(word)
        if below is not None:
            found, options = below, options | {name for parameter in below.params for name in parameter.opts}
    asked = {option for word in words[1:] for option in _OPTION.findall(word) if word.startswith(("-", "["))}
    unknown_part = hasattr(found, "commands") and len(words) > 1 and words[1].isalpha() and words[1].islower()
    return sorted(asked - options - {"--help"}) + ([words[1]] if unknown_part else [])


@pytest.mark.parametrize("call", [call for call in calls() if call.startswith("tributary ")])
def test_the_program_takes_every_command_line_that_is_shown(call: str) -> None:
    words = [word.split("|") if re.fullmatch(r"[a-z]+(\|[a-z]+)+", word) else [word] for word in call.split()[1:]]
    assert [wrong_words(list(chosen)) for chosen in product(*words)] == [[]] * len(list(product(*words)))


def _sources(script: str) -> str:
    """Everything that may define an option of a script."""
    folders = {"bench": "benchmarks/measuring", "train": "scripts/training", "contracts": "scripts/solidity"}
    files = [CHECKOUT / "scripts" / script]
    if script in folders:
        files += (CHECKOUT / folders[script]).rglob("*.py")
    if script == "test":
        files += [CHECKOUT / "scripts" / "checks.py", *(CHECKOUT / "tests").rglob("conftest.py")]
    if script == "demo":
        files += [CHECKOUT / "tributary" / "demo" / "command.py"]
    return "\n".join(file.read_text() for file in files)


@pytest.mark.parametrize("call", [call for call in calls() if call.startswith("./scripts/")])
def test_every_script_that_is_shown_is_there_with_its_options(call: str) -> None:
    script, *words = call.removeprefix("./scripts/").split()
    assert (CHECKOUT / "scripts" / script).stat().st_mode & 0o111
    options = {option for word in words for option in _OPTION.findall(word)}
    options -= {f"--{name}" for name in re.findall(r"^    (\w+): Annotated", _sources(script), re.MULTILINE)}
    assert [
        option for option in sorted(options) if f'"{option}"' not in _sources(script) and option not in _head(script)
    ] == []
    if script == "bench" and words and re.fullmatch(r"[a-z-]+", words[0]):
        assert (CHECKOUT / "benchmarks" / f"{words[0].replace('-', '_')}.py").is_file()


def _head(script: str) -> str:
    """What a launcher says of itself."""
    return "\n".join(line for line in (CHECKOUT / "scripts" / script).read_text().splitlines() if "--" in line)


def test_every_benchmark_is_explained() -> None:
    page = TEXTS["benchmarks/README.md"]
    benches = [file.stem.replace("_", "-") for file in sorted((CHECKOUT / "benchmarks").glob("[a-z]*.py"))]
    assert [name for name in benches if f"\n## {name}\n" not in page] == []
    assert [name for name in benches if ast.get_docstring(ast.parse(_bench(name).read_text())) is None] == []


def _bench(name: str) -> Path:
    return CHECKOUT / "benchmarks" / f"{name.replace('-', '_')}.py"


def test_every_setting_that_is_named_is_one() -> None:
    known = set(re.findall(r"`([A-Z_0-9]+)`", PAGE.read_text()))
    named = {name for text in TEXTS.values() for name in _VARIABLE.findall(text)}
    assert sorted(named - known - _NO_VARIABLE) == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = {match for span in _SPAN.findall(TEXTS[page]) for match in _FILE.findall(span) if match == span.rstrip("/")}
    tracked = set(
        subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
    )
    folders = {parent.as_posix() for path in tracked for parent in Path(path).parents}
    assert [name for name in sorted(named - _MADE_BY_RUNS) if name not in tracked | folders] == []


def test_every_decision_is_in_the_index() -> None:
    index = TEXTS["docs/decisions/README.md"]
    decisions = sorted(path.name for path in (CHECKOUT / "docs" / "decisions").glob("0*.md"))
    assert [name for name in decisions if f"]({name})" not in index] == []
