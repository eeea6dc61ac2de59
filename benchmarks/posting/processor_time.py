"""Processor time of the programs that a batch goes through: the same on a busy machine and on an idle one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

CHAINS = ("anvil", "supersim")


def chains_seconds() -> float:
    """Processor time that this program's chains have taken so far."""
    mine = psutil.Process().children(recursive=True)
    return sum(_seconds(process) for process in mine if _name(process).startswith(CHAINS))


def postgres_seconds(data: Path) -> float:
    """Processor time that the server of this data folder has taken so far, ended connections included."""
    server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    return _seconds(server) + sum(_seconds(child) for child in server.children())


def _seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))
    except psutil.NoSuchProcess:
        return 0.0


def _name(process: psutil.Process) -> str:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return ""
