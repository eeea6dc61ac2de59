"""`tributary entitlements`: everybody's entitlements without a database."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from ledger.chain.chain_id import served_chain_id
from ledger.chain.deployment import load_deployment
from ledger.chain.rpc import RpcClient
from ledger.config import ArchiveSettings, L2Settings
from ledger.protocol.hexadecimal import checksum_address, to_hex
from ledger.protocol.units import ENTITLEMENT_ONE
from settlement.entitlements import Entitlements
from tributary.entitlements.facts import Facts
from tributary.entitlements.local import by_processes
from tributary.entitlements.log_reading import finalized_block, read_facts
from tributary.entitlements.spark import by_spark, require_java

Report = Callable[[int, int], None]
"""Told (how much is done, how much there is)."""

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


class Engine(StrEnum):
    LOCAL = "local"
    SPARK = "spark"


class EntitlementsSettings(L2Settings, ArchiveSettings):
    """Which chain to read, and where the blobs are."""


@app.command()
def entitlements(
    engine: Annotated[Engine, typer.Option(help="Compute on this machine's cores, or on Spark.")] = Engine.LOCAL,
    through: Annotated[
        int | None, typer.Option(min=0, help="L2 block up to which batches count; the newest final.")
    ] = None,
    processes: Annotated[int, typer.Option(help="Engine local: processes; 0 is one a core.", min=0)] = 0,
    master: Annotated[str, typer.Option(help="Engine spark: Spark's address of the cluster.")] = "local[*]",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compute what every payee has earned from the L2's logs and the blob archive alone, without PostgreSQL.

    Every blob is checked against its versioned hash and every batch judged anew. The amounts are those that
    `tributary settle` distributes for the same block, to the last of their thirty decimals, whichever engine computes
    them. Addresses come from the settings: L2_RPC_URL, DEPLOYMENTS_DIR, ARCHIVE_DIR.
    """
    settings = EntitlementsSettings.load()
    if engine is Engine.SPARK:
        require_java()
    with _progress("blocks read") as report:
        facts = _facts(settings, through, report)
    archive = str(settings.archive_dir)
    if engine is Engine.SPARK:
        result = by_spark(facts, archive, master)
    else:
        with _progress("batches") as report:
            result = by_processes(facts, archive, processes or os.cpu_count() or 1, report)
    if as_json:
        json.dump(document(facts, result), sys.stdout)
        sys.stdout.write("\n")
    else:
        _print_table(facts, result)


def _facts(settings: EntitlementsSettings, through: int | None, report: Report) -> Facts:
    deployment = load_deployment(settings.deployments_dir, served_chain_id(settings.l2_rpc_url, "L2"))
    with closing(RpcClient(settings.l2_rpc_url, deployment.l2.chain_id, name="L2")) as rpc:
        rpc.verify()
        return read_facts(rpc, deployment, finalized_block(rpc, through), report)


def document(facts: Facts, result: Entitlements) -> dict[str, object]:
    """The entitlements for programs; amounts as decimal strings, the same whichever engine made them."""
    return {
        "throughL2Block": facts.through.number,
        "throughL2BlockHash": to_hex(facts.through.hash),
        "batches": len(facts.batches),
        "withheldBatches": list(result.withheld_batches),
        "fees": str(result.fees_units),
        "denominator": str(ENTITLEMENT_ONE),
        "payees": [
            {
                "payee": checksum_address(line.payee),
                "numerator": str(line.numerator),
                "cumulative": str(line.cumulative_units),
            }
            for line in result.lines
        ],
    }


def _print_table(facts: Facts, result: Entitlements) -> None:
    table = Table("payee", "earned", title=f"Through L2 block {facts.through.number}", title_justify="left")
    table.columns[1].justify = "right"
    for line in result.lines:
        table.add_row(checksum_address(line.payee), f"{line.cumulative_units:,}")
    withheld = f"; withheld: batches {', '.join(map(str, result.withheld_batches))}" if result.withheld_batches else ""
    Console().print(
        table,
        f"{len(result.lines)} payees, {result.fees_units:,} base units of fees in {len(facts.batches)} batches"
        + withheld,
        sep="\n",
    )


@contextmanager
def _progress(what: str) -> Iterator[Report]:
    """A bar on a terminal, nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
