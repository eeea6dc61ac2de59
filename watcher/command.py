"""`tributary watch`: finds false batches from chain data alone and challenges them."""

from pathlib import Path
from typing import Annotated

import typer

from watcher.report import Report
from watcher.running import follow, open_watch, run_once
from watcher.settings import WatcherSettings

STANDS = 2

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def watch(  # noqa: PLR0913, PLR0917  # one parameter an option
    l1_rpc_url: Annotated[str | None, typer.Option(help="L1 node [L1_RPC_URL].")] = None,
    l2_rpc_url: Annotated[str | None, typer.Option(help="L2 node [L2_RPC_URL].")] = None,
    beacon_url: Annotated[str | None, typer.Option(help="Beacon API that serves blobs [BEACON_URL].")] = None,
    archive: Annotated[Path | None, typer.Option(help="Folder of archived blobs [ARCHIVE_DIR].")] = None,
    deployments: Annotated[Path | None, typer.Option(help="Folder of deployment files [DEPLOYMENTS_DIR].")] = None,
    receipts: Annotated[
        Path | None, typer.Option(help="Folder of signed receipts that clients kept [WATCHER_RECEIPTS_DIR].")
    ] = None,
    probe: Annotated[
        str | None, typer.Option(help="Also buy answers from this gateway, as WATCHER_PROBE_KEY [WATCHER_PROBE_URL].")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="File to remember in [WATCHER_STATE_FILE].")] = None,
    max_gas_price: Annotated[
        int | None, typer.Option(help="Price of gas in gwei above which nothing is sent [WATCHER_MAX_GAS_PRICE_GWEI].")
    ] = None,
    demand: Annotated[
        bool | None,
        typer.Option(
            "--demand", help="Demand blobs of unattested batches that nobody has; a deposit each [WATCHER_DEMAND]."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; tell what would be sent.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Look at everything there is now, act, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell each thing as one JSON object a line.")] = False,
) -> None:
    """Check every batch against its blobs, prices and terms, and challenge what is false; the slash rewards it.

    Needs an L2 node, an L1 node and a beacon address (or a blob archive), and no word of anybody. To act it needs
    WATCHER_KEY, an account with some gas on the L2; without one it only tells. With --receipts it also finds receipts
    that were altered, and those that were never posted. It may be stopped or killed at any point. With --once, exit
    code 2 says that a false batch stands, or that one could not be judged.
    """
    settings = WatcherSettings.load(
        l1_rpc_url=l1_rpc_url,
        l2_rpc_url=l2_rpc_url,
        beacon_url=beacon_url,
        archive_dir=archive,
        deployments_dir=deployments,
        receipts_dir=receipts,
        probe_url=probe,
        demand=demand,
        state_file=state,
        max_gas_price_gwei=max_gas_price,
    )
    report = Report(typer.echo, as_json=as_json)
    acting = settings.key is not None and not dry_run
    with open_watch(settings, report, acting=acting, patient=once) as watching:
        if not once:
            follow(watching, report)
        run_once(watching, report)
        guilty, unjudged = watching.standing()
    if guilty or unjudged:
        typer.echo(f"{guilty} false batches stand, {unjudged} could not be judged.", err=True)
        raise typer.Exit(STANDS)
