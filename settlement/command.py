"""`tributary settle`: compute what is owed, have it attested, bring the root on chain, push the claims."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Sequence
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table

from ledger.db.models.settlement import SettledDistribution
from ledger.db.session import open_engine, read_sessions
from ledger.errors import RetryableError, UsageError
from ledger.protocol.hexadecimal import checksum_address
from settlement.assembly import deployment_of, open_settlement, scope_of
from settlement.dry_run import DryRun, as_json, dry_run
from settlement.settings import DryRunSettings, SettlementSettings
from settlement.states import State
from settlement.worker import run_pass, sole_worker

log = structlog.get_logger(__name__)

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)

_DEFAULT_EVERY_SECONDS = 3600.0


@app.command()
def settle(
    once: Annotated[bool, typer.Option("--once", help="Make one pass and end, instead of one every --every.")] = False,
    show_only: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be distributed and paid; write and send nothing.")
    ] = False,
    every: Annotated[float, typer.Option(help="Seconds from one pass to the next.", min=1)] = _DEFAULT_EVERY_SECONDS,
    min_claim_units: Annotated[
        int | None,
        typer.Option(help="Least amount, in base units, whose claim is pushed [SETTLEMENT_MIN_CLAIM_UNITS].", min=1),
    ] = None,
    as_json_lines: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Pay contributors what finalised batches owe them.

    A pass computes what everybody has earned through the newest final L2 block that is indexed, gets a quorum of
    attesters to sign it, submits the root, and pushes the claims of roots whose activation delay is over. It stops at
    whatever has to be waited for (signatures, the delay, finality) and goes on from there in the next pass. It can be
    ended, or killed, at any point: run it again.
    """
    if show_only:
        _print_dry_run(DryRunSettings.load(min_claim_units=min_claim_units), as_json_lines=as_json_lines)
        return
    settings = SettlementSettings.load(min_claim_units=min_claim_units)
    with open_settlement(settings) as (connections, engine), sole_worker(engine, connections.scope.distributor):
        if once:
            _print_states(run_pass(connections), as_json_lines=as_json_lines)
            return
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        signal.signal(signal.SIGINT, lambda *_: ended.set())
        while True:
            try:
                run_pass(connections)
            except RetryableError as error:
                log.warning("settlement_waits", reason=str(error))
            if ended.wait(every):
                return


def _print_dry_run(settings: DryRunSettings, *, as_json_lines: bool) -> None:
    scope = scope_of(deployment_of(settings))
    engine = open_engine(settings.database_url.get_secret_value(), read_only=True)
    try:
        with read_sessions(engine)() as session:
            run = dry_run(session, scope, settings.min_claim_units)
    finally:
        engine.dispose()
    if as_json_lines:
        typer.echo(json.dumps(as_json(run)))
    else:
        _print_table(run)


def _print_table(run: DryRun) -> None:
    table = Table("payee", "earned", "claimed", "due", "pushed", title=f"Through L2 block {run.through.number}")
    for column in table.columns[1:4]:
        column.justify = "right"
    for line in run.lines:
        amounts = (str(line.cumulative_units), str(line.claimed_units), str(line.due_units))
        table.add_row(checksum_address(line.payee), *amounts, "yes" if line.pushed else "no")
    console = Console()
    console.print(table)
    console.print(
        f"{len(run.lines)} payees, {run.entitlements.fees_units} base units of fees, {run.due_units} due"
        + (f"; batches withheld: {run.entitlements.withheld_batches}" if run.entitlements.withheld_batches else "")
    )


def _print_states(distributions: Sequence[SettledDistribution], *, as_json_lines: bool) -> None:
    for row in distributions:
        line = {
            "distribution": row.distribution_id,
            "rootIndex": row.root_index,
            "state": row.state,
            "throughL2Block": row.through_l2_block,
            "payees": row.payees,
            "totalCumulative": str(row.total_cumulative_units),
            "activatesAt": row.activates_at,
            "reason": row.reason,
        }
        typer.echo(json.dumps(line) if as_json_lines else _sentence(line))
    if not distributions and not as_json_lines:
        typer.echo("Nothing to distribute: the newest root says all that finalised batches owe.")
    refused = [row for row in distributions if row.state == State.REFUSED]
    if refused:
        raise UsageError(f"Root {refused[-1].root_index} was refused: {refused[-1].reason}")


def _sentence(line: dict[str, object]) -> str:
    because = f" ({line['reason']})" if line["reason"] else ""
    when = f", active at {line['activatesAt']}" if line["state"] == State.SUBMITTED else ""
    return (
        f"Root {line['rootIndex']}: {line['state']}{when}{because}; {line['payees']} payees, {line['totalCumulative']}"
        f" base units in all, through L2 block {line['throughL2Block']}."
    )
