"""The locks hold exactly what the project asks for, with a hash for each file."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ledger.config import CHECKOUT

pytestmark = pytest.mark.unit

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
GROUPS = {"run": ["build"], "test": ["build", "test"], "full": ["build", "test", "full"]}


def locked(name: str) -> dict[str, list[str]]:
    """Versions of each package in a lock; a package may have several, for different Pythons."""
    found: dict[str, list[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock_text(name), re.MULTILINE):
        found.setdefault(canonicalize_name(package), []).append(version)
    return found


def lock_text(name: str) -> str:
    return (CHECKOUT / "requirements" / f"{name}.lock").read_text()


@pytest.mark.parametrize("name", GROUPS)
def test_every_requirement_is_locked_to_a_version_that_satisfies_it(name: str) -> None:
    wanted = [
        *PROJECT["project"]["dependencies"],
        *(line for group in GROUPS[name] for line in PROJECT["dependency-groups"][group]),
    ]
    versions = locked(name)
    for line in wanted:
        requirement = Requirement(line)
        assert canonicalize_name(requirement.name) in versions, f"{line} is missing in {name}.lock; run ./scripts/lock"
        assert all(map(requirement.specifier.contains, versions[canonicalize_name(requirement.name)])), line


@pytest.mark.parametrize("name", GROUPS)
def test_every_locked_package_has_hashes(name: str) -> None:
    entries = re.split(r"\n(?=[\w.-]+==)", lock_text(name).strip())
    assert len(entries) == sum(map(len, locked(name).values()))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(("small", "large"), [("run", "test"), ("test", "full")])
def test_the_larger_lock_contains_the_smaller_one(small: str, large: str) -> None:
    larger = locked(large)
    assert {name: versions for name, versions in locked(small).items() if larger.get(name) != versions} == {}


def test_torch_is_never_installed_by_default() -> None:
    assert {"torch", "peft", "transformers"}.isdisjoint(locked("full"))


def test_every_npm_package_is_pinned_by_its_integrity_and_names_no_address() -> None:
    lock = json.loads((CHECKOUT / "package-lock.json").read_text())
    wanted = json.loads((CHECKOUT / "package.json").read_text())
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert [path for path, entry in packages.items() if "integrity" not in entry or "resolved" in entry] == []
    for kind in ("dependencies", "optionalDependencies"):
        assert lock["packages"][""][kind] == wanted[kind]
        for name, version in wanted[kind].items():
            assert packages[f"node_modules/{name}"]["version"] == version
