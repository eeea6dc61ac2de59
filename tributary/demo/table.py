"""The demo's tables: who earned what, what a receipt cost, where the time went, what the audit says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tributary.demo.trace import LENGTH_FACTOR, LONGEST_PROMPT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from tributary.demo.figures import Figures

TOKEN_UNITS = 10**6
CROWD_ROLE = "contributor"
"""Those who are paid through a list stand in one line."""


def show(console: Console, figures: Figures) -> None:
    """Print everything that a reader wants to know of the run."""
    for table in (_payees(figures), _money(figures), _costs(figures), _times(figures)):
        console.print(table)
    console.print(_verdict(figures))


def _amount(units: int) -> str:
    """A token amount with its six decimals."""
    return f"{units // TOKEN_UNITS:,}.{units % TOKEN_UNITS:06d}"


def _payees(figures: Figures) -> Table:
    table = Table(title="Who earned what, and was paid what (tUSD)", title_justify="left")
    for heading in ("payee", "role", "address"):
        table.add_column(heading)
    table.add_column("earned", justify="right")
    table.add_column("paid", justify="right")
    crowd = [payee for payee in figures.payees if payee.role == CROWD_ROLE]
    for payee in sorted(figures.payees, key=lambda p: -p.earned_units):
        short = f"0x{payee.address.hex()[:8]}…"
        if payee.role != CROWD_ROLE:
            table.add_row(payee.name, payee.role, short, _amount(payee.earned_units), _amount(payee.paid_units))
    earned, paid = sum(p.earned_units for p in crowd), sum(p.paid_units for p in crowd)
    if crowd:
        who = f"{len(crowd)} proofreaders of a datanet"
        table.add_row(who, f"{CROWD_ROLE}s", "one each", _amount(earned), _amount(paid))
    return table


def _money(figures: Figures) -> Table:
    table = Table(title="The money, each line from its own source (tUSD)", title_justify="left")
    table.add_column("")
    table.add_column("amount", justify="right")
    table.add_column("read from")
    for name, units, source in (
        ("deposited by payers", figures.deposited_units, "transfers into the escrow"),
        ("charged", figures.charged_units, "transfers from the escrow to the distributor"),
        ("refundable", figures.refundable_units, "payers' escrow accounts"),
        ("distributed", figures.distributed_units, "the root in the contract"),
        ("paid", figures.paid_units, "payees' token balances"),
        ("dust", figures.dust_units, "the distributor's token balance"),
    ):
        table.add_row(name, _amount(units), source)
    return table


def _costs(figures: Figures) -> Table:
    table = Table(title=f"What {figures.receipts} receipts cost", title_justify="left")
    for heading in ("", "gas", "a receipt"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, gas in (
        ("L1, execution", figures.l1_gas),
        ("L1, blob gas", figures.l1_blob_gas),
        ("L2, attest, authorise, commit and finalise", figures.l2_gas),
        ("L2, root and claims", figures.settlement_l2_gas),
    ):
        table.add_row(name, f"{gas:,}", f"{gas / figures.receipts:,.1f}")
    return table


def _times(figures: Figures) -> Table:
    table = Table(title="Where the time went", title_justify="left")
    table.add_column("stage")
    table.add_column("seconds", justify="right")
    for stage, seconds in figures.seconds.items():
        table.add_row(stage, f"{seconds:.1f}")
    return table


def _verdict(figures: Figures) -> Text:
    def sentences() -> Iterator[str]:
        days, rest = divmod(figures.cash_seconds, 86_400)
        yield f"{figures.requests} requests, {figures.receipts} receipts in {figures.batches} batches and {figures.blobs} blobs."
        yield f"Trace lengths were divided by {LENGTH_FACTOR} (prompts at most {LONGEST_PROMPT_TOKENS} tokens); arrival order kept, requests sent as fast as they are answered."
        yield f"Time to cash on the chains' clock: {days} d {rest // 3600} h {rest % 3600 // 60} min (the windows of production)."
        yield f"Audit, from the chains and blobs alone: {figures.audit['differences']} differences."

    good = not figures.audit["differences"]
    return Text("\n".join(sentences()), style="green" if good else "bold red")
