"""Where the programs are that Tributary starts: anvil, supersim and forge from npm, the Solidity compiler."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ledger.config import CHECKOUT, state_folder
from ledger.errors import ToolMissingError


def npm_folder() -> Path:
    """Folder of the installed npm packages (`@openzeppelin/contracts` is one of them)."""
    return state_folder() / "node_modules"


def find_tool(name: str) -> Path:
    """The executable of this name: the locked one from npm, else the one on PATH.

    Raises:
        ToolMissingError: neither is there.
    """
    locked = npm_folder() / ".bin" / name
    if os.access(locked, os.X_OK):
        return locked
    on_path = shutil.which(name)
    if on_path is None:
        raise ToolMissingError(
            f"{name} is not installed; ./scripts/test installs it on Linux x86-64, elsewhere put it on PATH."
        )
    return Path(on_path)


def solidity_compiler() -> Path:
    """The locked Solidity compiler, an executable that speaks `--version` and `--standard-json`."""
    return CHECKOUT / "scripts" / "solc"


def environment_with_tools(first: Path | None = None) -> dict[str, str]:
    """This process's environment with the npm programs first on PATH, and those of folder `first` before them."""
    folders = [str(folder) for folder in (first, npm_folder() / ".bin") if folder is not None]
    return {**os.environ, "PATH": os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])}
