"""The verdict for people: a table of what was read, the conservation identity, and the first differences."""

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audit.verdict import Verdict

SHOWN = 10
"""So many differences are printed; the JSON report has more."""


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print what was compared and the verdict, the first difference last but one."""
    console.print(_summary(verdict))
    console.print(_conservation(verdict))
    for difference in verdict.differences.kept[:SHOWN]:
        console.print(f"[red]difference[/red] {escape(str(difference))}", soft_wrap=True, highlight=False)
    if verdict.differences.count > SHOWN:
        console.print(f"… and {verdict.differences.count - SHOWN} more")
    console.print(verdict_sentence(verdict), soft_wrap=True, highlight=False)


def verdict_sentence(verdict: Verdict) -> str:
    """The last line: 0 differences, or how many and the first."""
    first = verdict.differences.first
    if first is None:
        return "[green]0 differences[/green]"
    count = verdict.differences.count
    return f"[red]{count} difference{'s' if count > 1 else ''}; the first:[/red] {escape(str(first))}"


def write_json(verdict: Verdict, path: Path) -> None:
    """Write the report for machines."""
    path.write_text(json.dumps(verdict.to_json(), indent=1) + "\n")


def _summary(verdict: Verdict) -> Table:
    table = Table(title=f"Audit through L2 block {verdict.block.number}", show_header=False, title_justify="left")
    table.add_column("what")
    table.add_column("value", justify="right")
    batches = ", ".join(f"{count} {status}" for status, count in sorted(verdict.batches.items()))
    rows: list[tuple[str, object]] = [
        ("batches", batches or "none"),
        ("blobs", verdict.tally.blobs),
        ("receipts", verdict.tally.receipts),
        ("payees", len(verdict.earned)),
        ("roots, claims", f"{verdict.roots}, {verdict.claims}"),
        ("charged units", verdict.charged_units),
        ("distributed units", verdict.distributed_units),
        ("paid units", sum(verdict.paid.values())),
        ("dust units", f"{float(verdict.dust):.6f}"),
        ("seconds", f"{verdict.seconds:.1f}"),
    ]
    if verdict.unallocated_units:
        rows.append(("units of batches that do not count", verdict.unallocated_units))
    if verdict.tally.recomputed_sets:
        rows.append(("attribution sets computed again", verdict.tally.recomputed_sets))
    if verdict.tally.kept_receipts or verdict.tally.waiting_receipts:
        rows.append(
            ("kept receipts found, waiting", f"{verdict.tally.kept_receipts}, {verdict.tally.waiting_receipts}")
        )
    if verdict.tally.api_fields:
        rows.append(("fields of the API compared", verdict.tally.api_fields))
    for name, value in rows:
        table.add_row(name, str(value))
    return table


def _conservation(verdict: Verdict) -> Table:
    table = Table(title="Conservation (units)", title_justify="left")
    table.add_column("came in")
    table.add_column("held or gone out")
    left = [f"{name} {units}" for name, units in verdict.conservation.came_in.items()]
    right = [f"{name} {units}" for name, units in verdict.conservation.held.items()]
    right += [f"{name} {units}" for name, units in verdict.conservation.went_out.items() if units]
    sums = sum(verdict.conservation.came_in.values())
    gone = sum(verdict.conservation.held.values()) + sum(verdict.conservation.went_out.values())
    table.add_row("\n".join(left), "\n".join(right), end_section=True)
    table.add_row(f"sum {sums}", f"sum {gone}")
    return table
