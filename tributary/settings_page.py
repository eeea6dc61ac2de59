"""docs/settings.md, written from the settings classes: `python -m tributary.settings_page`.

A test renders the page anew and compares, so a setting can't change without its line.
"""

from __future__ import annotations

import ast
import importlib
from typing import TYPE_CHECKING

from pydantic_core import PydanticUndefined

from ledger.config import CHECKOUT, Settings, state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic.fields import FieldInfo

PAGE = CHECKOUT / "docs" / "settings.md"
PACKAGES = ("ledger", "serving", "batcher", "indexer", "api", "settlement", "audit", "watcher", "payer", "tributary")

_HEAD = """# Settings

Written from the settings classes by `python -m tributary.settings_page`; do not edit it by hand.

Everything is read once, when a program starts, from the first of these that has it: an option on the command line, an
environment variable, the file that `--env-file` names (else `.env` in the current folder), and a file in the folder
that `SECRETS_DIR` names (called like the variable in lower case, as container platforms mount secrets). A program
whose settings are missing or wrong says which, in one sentence, and ends with exit code 1.

## Where things are

| variable | default | meaning |
|---|---|---|
| `TRIBUTARY_STATE_DIR` | `.tributary` in the checkout | Folder of everything that runs make: environment, npm tools, \
databases, devnets, archives, logs |
| `SECRETS_DIR` | none | Folder of secret files |
| `TRIBUTARY_PYTHON` | the first fit one on PATH | Python that the launchers in `scripts/` use |

Without `DATABASE_URL` (and without `SECRETS_DIR`), `serve`, `key`, `batch`, `index`, `api` and `settle` share an embedded
PostgreSQL in the state folder; an attester needs a database of its own.
Run by root, that server runs as the user `pgserver`, which is then made, and the folders above it become readable.
"""


def render() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(_section(settings) for settings in _classes())])


def _classes() -> list[type[Settings]]:
    """Every class with settings of its own: the shared ones first, then stage by stage."""
    for module in _modules_with_settings():
        importlib.import_module(module)
    found = {settings for settings in _descendants(Settings) if _own_fields(settings)}
    return sorted(found, key=lambda settings: (PACKAGES.index(settings.__module__.split(".")[0]), _position(settings)))


def _position(settings: type[Settings]) -> tuple[str, int]:
    names = [node.name for node in _class_definitions(_file_of(settings.__module__))]
    return settings.__module__, names.index(settings.__name__)


def _file_of(module: str) -> Path:
    return CHECKOUT.joinpath(*module.split(".")).with_suffix(".py")


def _modules_with_settings() -> Iterator[str]:
    for package in PACKAGES:
        for file in sorted((CHECKOUT / package).rglob("*.py")):
            bases = {ast.unparse(base) for node in _class_definitions(file) for base in node.bases}
            if any(base.endswith("Settings") for base in bases):
                yield ".".join(file.relative_to(CHECKOUT).with_suffix("").parts)


def _class_definitions(file: Path) -> list[ast.ClassDef]:
    return [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)]


def _descendants(settings: type[Settings]) -> Iterator[type[Settings]]:
    for child in settings.__subclasses__():
        if child.__module__.split(".")[0] in PACKAGES:
            yield child
            yield from _descendants(child)


def _own_fields(settings: type[Settings]) -> dict[str, FieldInfo]:
    """The fields that a class has and its bases have not under the same variable."""
    inherited = {
        base.variable(name) for base in settings.__mro__[1:] if issubclass(base, Settings) for name in base.model_fields
    }
    own = {name: field for name, field in settings.model_fields.items() if settings.variable(name) not in inherited}
    return {name: field for name, field in own.items() if name in settings.__annotations__}


def _section(settings: type[Settings]) -> str:
    also = [base.__name__ for base in settings.__bases__ if base is not Settings]
    lines = [f"## {settings.__name__}", "", (settings.__doc__ or "").split("\n")[0], ""]
    if also:
        lines += [f"With those of {' and '.join(also)}.", ""]
    lines += ["| variable | default | meaning |", "|---|---|---|"]
    lines += [_row(settings, name, field) for name, field in _own_fields(settings).items()]
    return "\n".join([*lines, ""])


def _row(settings: type[Settings], name: str, field: FieldInfo) -> str:
    meaning = (field.description or "").replace("|", "\\|").replace("<", "\\<")
    return f"| `{settings.variable(name)}` | {_default(field)} | {meaning} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value in (None, PydanticUndefined, ()):
        return "none"
    if isinstance(value, bytes):
        return f"`0x{value.hex()}`"
    if isinstance(value, tuple):
        value = ",".join(str(part) for part in value)
    text = str(value).replace(str(state_folder()), ".tributary").replace(f"{CHECKOUT}/", "")
    return f"`{text}`" if text else "empty"


if __name__ == "__main__":
    PAGE.write_text(render())
