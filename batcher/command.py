"""`tributary batch`: posts receipts, commits batches and finalises them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from batcher.report import Cost, cost
from batcher.running import drain, follow, open_parts
from batcher.settings import BatcherSettings
from ledger.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def batch(
    once: Annotated[
        bool, typer.Option("--once", help="Post what is due by age or number, see it committed, and end.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--drain", help="Post all receipts that wait, see them committed, and end.")
    ] = False,
    max_age: Annotated[
        int | None,
        typer.Option(help="Age in seconds of the oldest receipt at which a batch goes out [BATCHER_MAX_AGE_SECONDS]."),
    ] = None,
    max_receipts: Annotated[
        int | None, typer.Option(help="Receipts of a lane at which a batch goes out at once [BATCHER_MAX_RECEIPTS].")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --once or --drain: print the cost as JSON.")] = False,
) -> None:
    """Post signed receipts: their blobs on L1, then the batch on L2, and pay it out after its challenge window.

    Without an option it runs until it is stopped. It can be stopped, or killed, at any point: run it again, and it
    goes on where it was. Only one may run for an operator.
    """
    if once and everything:
        raise UsageError("Choose --once or --drain, not both.")
    settings = BatcherSettings.load(max_age_seconds=max_age, max_receipts=max_receipts)
    ending = once or everything
    with open_parts(settings, draining=ending) as parts:
        if not ending:
            follow(parts)
        drain(parts, everything=everything)
        with parts.database.transaction() as session:
            spent = cost(session, parts.chains.deployment, parts.chains.operator)
    if as_json:
        typer.echo(json.dumps({name: str(v) if name.endswith("_wei") else v for name, v in asdict(spent).items()}))
    else:
        _print(spent)


def _print(spent: Cost) -> None:
    console = Console()
    console.print(f"{spent.batches} batches, {spent.receipts} receipts, {spent.blobs} blobs so far.")
    if not spent.receipts:
        return
    table = Table("", "gas", "gas a receipt", "wei a receipt")
    for column in table.columns[1:]:
        column.justify = "right"
    rows = (
        ("L1", spent.l1_gas, spent.l1_gas_wei),
        ("L1 blobs", spent.l1_blob_gas, spent.l1_blob_gas_wei),
        ("L2", spent.l2_gas, spent.l2_gas_wei + spent.l2_l1_fee_wei),
    )
    for name, gas, wei in rows:
        tenths = gas * 10 // spent.receipts
        table.add_row(name, f"{gas:,}", f"{tenths // 10:,}.{tenths % 10}", f"{wei // spent.receipts:,}")
    console.print(table)
