"""What every benchmark prints and writes: a table for people, the same rows as JSON, and whether each bar was reached.

The JSON is a list of rows {"name", "value", "unit", "must", "ok", "beside"}: `must` is the bar in words (null where there is
none), `ok` whether it was reached, `beside` what was measured next to it in the same run, by name.
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ledger.errors import UsageError
from ledger.named_files import check_writable


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure."""

    name: str
    value: float
    unit: str
    must: str | None = None
    ok: bool | None = None
    beside: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Options:
    """What the user of a benchmark asked for."""

    json: Path | None
    quick: bool


def options(purpose: str) -> Options:
    """The options that every benchmark has, from the command line."""
    parser = argparse.ArgumentParser(prog=f"./scripts/bench {_name()}", description=purpose)
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the rows here as JSON too")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: within a minute, less exact")
    given = parser.parse_args()
    if given.json is not None:
        try:
            check_writable(given.json)
        except UsageError as error:
            parser.error(str(error))
    return Options(given.json, given.quick)


def _name() -> str:
    """The benchmark's name as `./scripts/bench` has it."""
    return Path(sys.argv[0]).stem.replace("_", "-")


def finish(title: str, rows: list[Row], options_: Options, notes: tuple[str, ...] = ()) -> None:
    """Print the table, write the JSON, and end the program: exit 1 if a bar was not reached."""
    console = Console()
    console.print(_table(title, rows), *notes, f"{machine()['cpu']}, {machine()['cores']} cores", sep="\n")
    if options_.json is not None:
        options_.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    sys.exit(any(row.ok is False for row in rows))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    for name, justify in (("what", "left"), ("value", "right"), ("unit", "left"), ("must", "left"), ("beside", "left")):
        table.add_column(name, justify=justify, overflow="fold")
    for row in rows:
        mark = {None: "", True: " [green]ok[/green]", False: " [red]missed[/red]"}[row.ok]
        beside = ", ".join(f"{name} {figure(value)}" for name, value in row.beside.items())
        table.add_row(row.name, figure(row.value), row.unit, f"{row.must or ''}{mark}", beside)
    return table


def figure(value: object) -> str:
    """A number as a person reads it: thousands apart, three digits where it is small."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
