"""`tributary audit`: exit 0 with no difference, 1 with the first one named, 2 when it could not be finished."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from audit.reading import Audit, Request
from audit.report import print_verdict, write_json
from audit.settings import AuditSettings
from audit.verdict import Verdict
from ledger.errors import TributaryError, UsageError
from ledger.named_files import check_writable

DIFFERENT = 1
UNFINISHED = 2

app = typer.Typer(add_completion=False)


@app.command()
def audit(  # noqa: PLR0913, PLR0917  # one parameter an option
    l1_rpc_url: Annotated[str | None, typer.Option(help="L1 node; else L1_RPC_URL.")] = None,
    l2_rpc_url: Annotated[str | None, typer.Option(help="L2 node; else L2_RPC_URL.")] = None,
    beacon_url: Annotated[str | None, typer.Option(help="Beacon API that serves blobs; else BEACON_URL.")] = None,
    archive: Annotated[Path | None, typer.Option(help="Folder of archived blobs; else ARCHIVE_DIR.")] = None,
    deployments: Annotated[Path | None, typer.Option(help="Folder of deployment files; else DEPLOYMENTS_DIR.")] = None,
    api: Annotated[str | None, typer.Option(help="Also compare what this API says; else AUDIT_API_URL.")] = None,
    receipts: Annotated[
        Path | None, typer.Option(help="Also look for the signed receipts kept in this folder.")
    ] = None,
    transcripts: Annotated[
        Path | None,
        typer.Option(help="Also compute the attribution sets of the transcripts kept in this folder again."),
    ] = None,
    published: Annotated[
        Path | None, typer.Option(help="Folder of the datasets' texts and the adapters that --transcripts needs.")
    ] = None,
    through: Annotated[
        str, typer.Option(help="Read up to this L2 block: finalized, safe, latest or a number.")
    ] = "finalized",
    json: Annotated[Path | None, typer.Option(help="Write the report here as JSON.")] = None,
) -> None:
    """Rebuild every balance from the chains and the blobs alone, and compare it with what was signed, paid and shown.

    Trusts nobody: blobs are checked against their hashes on L1, and everything else is computed again in exact
    fractions. Ends with "0 differences" (exit 0), with the first difference (exit 1), or with one sentence on why it
    could not be finished (exit 2).
    """
    console = Console()
    try:
        _check(through, json)
        settings = AuditSettings.load(
            l1_rpc_url=l1_rpc_url,
            l2_rpc_url=l2_rpc_url,
            beacon_url=beacon_url,
            archive_dir=archive,
            deployments_dir=deployments,
            api_url=api,
        )
        verdict = run(settings, Request(through, receipts, transcripts, published))
    except (TributaryError, OSError) as error:
        typer.echo(f"The audit could not be finished: {error}", err=True)
        raise typer.Exit(UNFINISHED) from error
    print_verdict(verdict, console)
    if json is not None:
        _write(verdict, json)
    if verdict.differences.count:
        raise typer.Exit(DIFFERENT)


def _write(verdict: Verdict, report: Path) -> None:
    try:
        write_json(verdict, report)
    except OSError as error:
        typer.echo(f"{report} could not be written: {error.strerror}.", err=True)
        raise typer.Exit(UNFINISHED) from error


def _check(through: str, report: Path | None) -> None:
    """Raises UsageError for what would be found wrong only after the chains are read."""
    if through not in {"finalized", "safe", "latest"} and not (through.isascii() and through.isdigit()):
        raise UsageError(f"--through is finalized, safe, latest or the number of a block, not {through!r:.40}.")
    if report is not None:
        check_writable(report)


def run(settings: AuditSettings, request: Request) -> Verdict:
    """Audit with a progress bar on stderr, where that is a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what)
            bar.update(tasks[what], completed=done, total=total)

        with closing(Audit(settings, request, show)) as reading:
            return reading.run()
