"""What no file of the project may hold: a registry's address, a path of somebody's machine, an unfinished thought."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from ledger.config import CHECKOUT

pytestmark = pytest.mark.unit

REGISTRIES = r"registry\.npmjs|registry\.yarnpkg|pypi\.org|pythonhosted\.org|npmmirror|index[-]url|--find[-]links"
MACHINE_PATHS = r"(?<![\w.\-/:}])/(work|root|home/\w+|Users/\w+)/"
UNFINISHED = r"\b(TODO|FIXME|XXX|HACK)\b"
CODE = {".py", ".sol", ".sh", ".js", ".md", ".toml", ".sql", ""}


@cache
def tracked_texts() -> dict[str, str]:
    """Text of every tracked file of some other name than this one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout
    names = [name for name in listed.split("\0") if name and (CHECKOUT / name) != Path(__file__)]
    if not names:
        pytest.skip("this is no git checkout: an unpacked archive has no list of tracked files")
    texts = {}
    for name in names:
        content = (CHECKOUT / name).read_bytes() if (CHECKOUT / name).is_file() else b""
        if b"\0" not in content[:8192]:
            texts[name] = content.decode(errors="replace")
    return texts


def offenders(pattern: str, kinds: set[str] | None = None) -> list[str]:
    return [
        f"{name}: {match[0]}"
        for name, text in tracked_texts().items()
        if (kinds is None or Path(name).suffix in kinds) and (match := re.search(pattern, text))
    ]


def test_no_file_names_a_registry() -> None:
    assert offenders(REGISTRIES) == []


def test_no_file_names_a_path_of_a_machine() -> None:
    assert offenders(MACHINE_PATHS) == []


def test_nothing_is_marked_as_unfinished() -> None:
    found = offenders(UNFINISHED, CODE)
    # Libraries of others, held to the locked packages by test_vendored.py.
    assert [place for place in found if not place.startswith("api/pages/static/vendor/")] == []


def test_no_key_or_certificate_is_tracked() -> None:
    assert offenders(r"-----BEGIN [A-Z ]*PRIVATE KEY-----") == []
    assert [name for name in tracked_texts() if Path(name).name == ".env" or name.endswith((".pem", ".key"))] == []


def test_what_runs_make_is_not_tracked() -> None:
    made = (".tributary/", "node_modules/", "contracts/deployments/901.json", "contracts/out/", "cache/")
    assert [name for name in tracked_texts() if name.startswith(made)] == []
