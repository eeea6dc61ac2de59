"""`tributary demo`: from an inference to a payout, in one command."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ledger.config import state_folder
from ledger.errors import LedgerDifferenceError, UsageError
from ledger.named_files import check_writable
from tributary.demo.run import Order, run_demo, write_figures
from tributary.demo.stopwatch import Stopwatch
from tributary.demo.table import show
from tributary.demo.world import World, open_world

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)

DEFAULT_REQUESTS = 300


@app.command()
def demo(
    requests: Annotated[int, typer.Option(min=1, help="How many requests of the trace to replay.")] = DEFAULT_REQUESTS,
    json: Annotated[Path | None, typer.Option(help="Write the figures here as JSON.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave everything running at the end, and print the addresses to browse.")
    ] = False,
) -> None:
    """Run the whole main job on this machine, every stage real, and show who earned what.

    A real request trace is answered by a small model with adapters; every answer leaves a signed receipt; receipts go
    into blobs on a local L1 and a commitment on a local L2; an index verifies them, a settlement pays, and an audit
    that reads nothing but the chains compares every number. Exit code 1 if it finds a difference.
    """
    if json is not None:
        check_writable(json)
    console = Console()
    watch = Stopwatch(console)
    with ExitStack() as stack:
        folder = stack.enter_context(sole_folder(state_folder() / "demo"))
        with watch.stage("start", "Starting PostgreSQL, L1 and L2; deploying the contracts"):
            world = stack.enter_context(open_world(folder, os.environ))
        figures = run_demo(world, Order(requests), console, watch, stack)
        show(console, figures)
        if json is not None:
            write_figures(figures, json)
        figures.check()
        if figures.audit["differences"]:
            raise LedgerDifferenceError(f"The audit finds {figures.audit['differences']} differences.")
        if keep:
            _wait(world, console)


@contextmanager
def sole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that no other demo uses while the block runs.

    Raises:
        UsageError: another demo runs there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"Another demo runs in {folder}; end it first, or name another folder with TRIBUTARY_STATE_DIR."
            ) from error
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder


def _wait(world: World, console: Console) -> None:
    """Stays until Ctrl-C, with everything running."""
    console.print("\nEverything is running; Ctrl-C ends it.")
    for name, address in (
        ("API and its documentation", f"{world.api_url}/docs"),
        ("OpenAI-compatible gateway", f"{world.gateway_url}/v1/models"),
        ("L1 node and beacon", world.chains.devnet.l1_url),
        ("L2 node", world.chains.devnet.l2_url),
        ("logs", str(world.program.logs)),
    ):
        console.print(f"  {name}: {address}", highlight=False)
    console.print("The chains' clocks were moved eight days in which nobody asked: an operator's uptime counts them.")
    with suppress(KeyboardInterrupt):
        signal.pause()
