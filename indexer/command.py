"""`tributary index`."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from indexer.assembly import assemble
from indexer.collecting import rare_collections
from indexer.operation.server import operation_server
from indexer.operation.watch import Watch
from indexer.rebuild import forget_everything
from indexer.running import catch_up, follow
from indexer.settings import IndexerSettings
from indexer.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from indexer.following.follower import Progress as ChainProgress

app = typer.Typer(add_completion=False)


@app.command()
def index(
    once: Annotated[bool, typer.Option("--once", help="Catch up with both chains' heads, then end.")] = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Forget all indexed rows first; blobs come from the archive.")
    ] = False,
) -> None:
    """Mirror both chains and the blobs into PostgreSQL, every blob checked against its hash, every batch judged.

    Follows the chains until it is stopped (Ctrl-C), through reorganisations, restarts and lies of nodes. Addresses of
    nodes, database and archive come from the settings: L1_RPC_URL, L2_RPC_URL, BEACON_URL, DATABASE_URL, ARCHIVE_DIR.
    With INDEXER_PORT it tells how it fares: /health, /ready, /status and /metrics (Prometheus).
    """
    settings = IndexerSettings.load()
    url = settings.database_url.get_secret_value()
    if rebuild:
        forget_everything(url)
    watch = Watch()
    with ExitStack() as stack:
        stack.enter_context(rare_collections())
        draw = stack.enter_context(_progress())

        def report(chain: str, progress: ChainProgress) -> None:
            watch.stepped(chain, progress)
            draw(chain, progress)

        address = stack.enter_context(operation_server(watch, settings))
        if address is not None:
            typer.echo(f"Health, status and metrics are at {address}.", err=True)
        indexer = stack.enter_context(assemble(settings, report))
        if once:
            catch_up(indexer)
        else:
            follow(indexer, _stop_on_signals(), settings.poll_seconds, watch)
    for line in summarize(url).lines():
        typer.echo(line)


def _stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set, so that a run that is being written is written to its end."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def _progress() -> Iterator[Callable[[str, ChainProgress], None]]:
    """A bar for each chain on a terminal, nothing elsewhere."""
    columns = (TextColumn("{task.description} block"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def report(chain: str, progress: ChainProgress) -> None:
            if chain not in tasks:
                tasks[chain] = bars.add_task(chain, total=None)
            bars.update(tasks[chain], completed=progress.tip.number, total=progress.head.number)

        yield report
