"""`tributary settle`: compute what is owed, have it attested, bring the root on chain, push the claims."""

from __future__ import annotations

import csv
import io
import json
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from ledger.db.models.settlement import SettledDistribution
from ledger.db.session import open_engine, read_sessions
from ledger.errors import MalformedInputError, RetryableError, UsageError
from ledger.protocol.hexadecimal import checksum_address, from_hex
from settlement import statement_forms
from settlement.assembly import deployment_of, open_settlement, scope_of
from settlement.database_errors import database_errors
from settlement.dry_run import DryRun, as_json, dry_run
from settlement.scope import Scope
from settlement.settings import DryRunSettings, SettlementSettings
from settlement.statement import Statement, statement
from settlement.states import State
from settlement.worker import run_pass, sole_worker

log = structlog.get_logger(__name__)

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)

_DEFAULT_EVERY_SECONDS = 3600.0
_SECONDS_TO_RETRY = 30.0


@app.callback(invoke_without_command=True)
def settle(
    context: typer.Context,
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
    if context.invoked_subcommand is not None:
        return
    if show_only:
        _print_dry_run(DryRunSettings.load(min_claim_units=min_claim_units), as_json_lines=as_json_lines)
        return
    settings = SettlementSettings.load(min_claim_units=min_claim_units)
    with open_settlement(settings) as (connections, engine):
        if once:
            with sole_worker(engine, connections.scope.distributor):
                states = run_pass(connections)
            _print_states(states, as_json_lines=as_json_lines)
            return
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        signal.signal(signal.SIGINT, lambda *_: ended.set())
        pause = 0.0
        while not ended.wait(pause):
            pause = every
            try:
                with sole_worker(engine, connections.scope.distributor):
                    run_pass(connections)
            except RetryableError as error:
                log.warning("settlement_waits", reason=str(error))
                pause = min(every, _SECONDS_TO_RETRY)


@app.command("statement")
def print_statement(
    payee: Annotated[str, typer.Argument(help="Address of the payee.")],
    root: Annotated[
        int | None, typer.Option(help="Distribution up to which it goes; the newest that stands.", min=1)
    ] = None,
    as_json_document: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    as_csv_table: Annotated[bool, typer.Option("--csv", help="Print CSV instead of a table.")] = False,
) -> None:
    """Show where every part of a payee's cumulative amount comes from, and what was paid of it.

    One line for each batch and reason, exact; the lines add up to the amount of the distribution to the unit, less what
    is carried: the fraction below one base unit, which is paid when it has grown to one.
    """
    if as_json_document and as_csv_table:
        raise UsageError("A statement is printed as JSON or as CSV, not as both.")
    settings, address = DryRunSettings.load(), _address(payee)
    with _reading(settings) as (session, scope):
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        made = statement(session, scope, address, root)
    if as_json_document:
        typer.echo(json.dumps(statement_forms.as_json(made)))
    elif as_csv_table:
        typer.echo(statement_forms.as_csv(made), nl=False)
    else:
        _print_statement(made)


def _address(text: str) -> bytes:
    try:
        return from_hex(text, 20)
    except MalformedInputError:
        raise UsageError(f"{text[:80]} is not an address: 0x and 40 hex digits.") from None


@contextmanager
def _reading(settings: DryRunSettings) -> Iterator[tuple[Session, Scope]]:
    """A session that can't write, and the scope of the deployment."""
    scope = scope_of(deployment_of(settings))
    engine = open_engine(settings.database_url.get_secret_value(), read_only=True)
    try:
        with database_errors(), read_sessions(engine)() as session:
            yield session, scope
    finally:
        engine.dispose()


def _print_statement(made: Statement) -> None:
    table = Table("date", "batch", "reason", "asset", "dataset", "base units", title=checksum_address(made.payee))
    table.columns[5].justify = "right"
    for row in csv.DictReader(io.StringIO(statement_forms.as_csv(made))):
        asset, dataset = (f"{row[k]} v{row[k + '_version']}" if row[k] else "" for k in ("asset", "dataset"))
        table.add_row(row["date"], row["batch"], row["reason"], asset, dataset, row["base_units"])
    covers = f"root {made.root_index}" if made.root_index else "no root yet"
    Console().print(
        table,
        f"Through L2 block {made.through.number} ({covers}): {made.cumulative_units} base units earned,"
        f" {made.paid_units} paid, {made.due_units} due.",
        sep="\n",
    )


def _print_dry_run(settings: DryRunSettings, *, as_json_lines: bool) -> None:
    with _reading(settings) as (session, scope):
        run = dry_run(session, scope, settings.min_claim_units)
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
