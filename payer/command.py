"""`tributary pay`: a local proxy that pays, and what is behind it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import structlog
import typer

from ledger.errors import RetryableError
from ledger.http_server import address_of, bind, serve
from ledger.protocol.hexadecimal import checksum_address
from payer.assembly import kept_book, open_landing, open_purse
from payer.landing import Landed, Landing
from payer.proxy import check_loopback, create_app
from payer.settings import BookSettings, FolderSettings, PaySettings

app = typer.Typer(add_completion=False)
_WRONG = 1
_log = structlog.get_logger(__name__)

Folder = Annotated[Path | None, typer.Option(help="Folder of the book, receipts and transcripts; else PAY_FOLDER.")]
Api = Annotated[str | None, typer.Option(help="Read API that proves receipts to be in batches; else PAY_API_URL.")]


@app.callback(invoke_without_command=True)
def proxy(  # noqa: PLR0913, PLR0917  # one parameter an option
    context: typer.Context,
    gateway: Annotated[str | None, typer.Option(help="Gateway that is paid; else PAY_GATEWAY.")] = None,
    budget: Annotated[
        int | None, typer.Option(help="Most that it may ever collect, in base units; else PAY_BUDGET_UNITS.")
    ] = None,
    signed_before: Annotated[
        int | None, typer.Option(help="Highest cap signed for it elsewhere; else PAY_SIGNED_BEFORE_UNITS.")
    ] = None,
    folder: Folder = None,
    api: Api = None,
    host: Annotated[str | None, typer.Option(help="Loopback address to listen on; else PAY_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, 0 for a free one; else PAY_PORT.")] = None,
) -> None:
    """Pay for what programs on this machine ask: OpenAI's API on a loopback address, in front of one gateway.

    Caps are signed a few requests ahead with PAY_KEY, never above the budget; every receipt is checked against the L2
    (L2_RPC_URL) and kept. One that does not hold stops all further signing.
    """
    if context.invoked_subcommand is not None:
        return
    settings = PaySettings.load(
        gateway=gateway,
        budget_units=budget,
        signed_before_units=signed_before,
        folder=folder,
        api_url=api,
        host=host,
        port=port,
    )
    check_loopback(settings.host)
    with open_purse(settings, lambda sentence: typer.echo(sentence, err=True)) as purse:
        operator = purse.desk().operator
        with bind(settings.host, settings.port) as bound, open_landing(settings) as landing:
            watch = threading.Event()
            thread = threading.Thread(target=_watch, args=(landing, watch, settings.landing_seconds), daemon=True)
            thread.start()
            bound.listen()  # who reads the address may connect at once
            typer.echo(
                f"Paying {purse.gateway.url} (operator {checksum_address(operator)}) for {checksum_address(purse.payer)}, "
                f"up to {settings.budget_units} units: use {address_of(bound)}/v1 with any key."
            )
            try:
                serve(create_app(purse), bound)
            finally:
                watch.set()
                thread.join(30)


@app.command()
def landed(folder: Folder = None, api: Api = None) -> None:
    """Say which kept receipts are in batches. Exit 1 if one is wrong there, or overdue."""
    with open_landing(FolderSettings.load(folder=folder, api_url=api)) as landing:
        found = landing.look()
    for line in _lines(found):
        typer.echo(line)
    if found.wrong or found.overdue:
        raise typer.Exit(_WRONG)


@app.command()
def resume(folder: Folder = None) -> None:
    """Go on after a receipt that did not hold: it is yours to judge, the evidence stays."""
    book = kept_book(BookSettings.load(folder=folder).folder)
    try:
        sentences = book.resume()
    finally:
        book.close()
    for sentence in sentences:
        typer.echo(f"Set aside: {sentence}")
    if not sentences:
        typer.echo("Nothing was stopped.")


def _watch(landing: Landing, ended: threading.Event, seconds: float) -> None:
    """Looks now and then, and tells what is wrong."""
    while not ended.wait(seconds):
        try:
            found = landing.look()
        except RetryableError as error:
            _log.warning("landing_not_seen", error=str(error))
            continue
        for clause in found.wrong:
            _log.error("receipt_posted_otherwise", fault=clause)
        for receipt in found.overdue:
            _log.error("receipt_overdue", lane=receipt.lane, seq=receipt.seq, due_at=receipt.due_at)


def _lines(found: Landed) -> list[str]:
    lines = [
        (
            f"{found.proven} proven to be in batches, {found.numbered} whose numbers batches have taken, "
            f"{found.waiting} on their way, {len(found.overdue)} overdue, {len(found.wrong)} wrong."
        )
    ]
    lines += [f"Wrong: {clause}." for clause in found.wrong]
    lines += [
        f"Overdue: receipt {r.seq} of lane {r.lane} of {checksum_address(r.operator)}; `tributary watch --receipts` makes "
        "the operator pay for it."
        for r in found.overdue
    ]
    return lines
