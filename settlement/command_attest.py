"""`tributary attest`: an independent attester, over its own index and its own node."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Annotated

import structlog
import typer

from ledger.errors import UsageError
from ledger.http_server import address_of, bind, serve
from ledger.named_files import read_named
from ledger.protocol.hexadecimal import checksum_address, to_hex
from settlement.assembly import open_attester
from settlement.draw.watching import look_at_draw
from settlement.endpoints.attestations import build_app
from settlement.settings import AttesterSettings
from settlement.veto import disable_wrong_roots, watch_once

log = structlog.get_logger(__name__)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Sign distributions that one's own index gives too, and disable roots that it does not.",
)


@app.command("serve")
def serve_attestations(
    host: Annotated[str | None, typer.Option(help="Interface to listen on [ATTESTER_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one [ATTESTER_PORT].")] = None,
    watch_every: Annotated[float, typer.Option(help="Seconds between looks at submitted roots; 0 never.", min=0)] = 60,
) -> None:
    """Answer proposers over HTTP, and keep an eye on roots that wait for their activation.

    Each proposed distribution is computed anew from this attester's own database, and signed only if it is the same,
    byte for byte. A root that somebody got past the quorum and that this index does not give is disabled.
    """
    settings = AttesterSettings.load(host=host, port=port)
    with open_attester(settings) as parts:
        listener = bind(settings.host, settings.port)
        log.info("attester_listening", url=address_of(listener), attester=checksum_address(parts.attester.address))
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(watch_every):
                watch_once(parts.attester, parts.engine, parts.distributor, parts.sender)
                look_at_draw(parts.attester)

        watcher = threading.Thread(target=watch, daemon=True) if watch_every else None
        if watcher:
            watcher.start()
        try:
            serve(build_app(parts.attester, settings.largest_file_bytes), listener)
        finally:
            ended.set()
            if watcher:
                watcher.join(timeout=30)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The distribution file.", exists=True, dir_okay=False)],
) -> None:
    """Compute the distribution of a file anew; print the signature if it is the same, else say who differs."""
    settings = AttesterSettings.load()
    content = read_named(file, settings.largest_file_bytes)
    with open_attester(settings) as parts:
        signed = parts.attester.attest(content)
    answer = {
        "attester": checksum_address(signed.attester),
        "digest": to_hex(signed.digest),
        "signature": to_hex(signed.signature),
    }
    typer.echo(json.dumps(answer))


@app.command()
def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once and end; exit code 1 if a root was wrong.")] = False,
    every: Annotated[float, typer.Option(help="Seconds from one look to the next.", min=1)] = 60,
) -> None:
    """Recompute every root that waits for its activation, and disable the wrong ones."""
    with open_attester(AttesterSettings.load()) as parts:
        if once:
            judgements = disable_wrong_roots(parts.attester, parts.engine, parts.distributor, parts.sender)
            for judgement in judgements:
                typer.echo(f"Root {judgement.root_index}: {judgement.fault or 'right'}.")
            wrong = [judgement.root_index for judgement in judgements if judgement.fault]
            if wrong:
                raise UsageError(f"Root {', '.join(map(str, wrong))} was wrong and is disabled.")
            return
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        signal.signal(signal.SIGINT, lambda *_: ended.set())
        while True:
            watch_once(parts.attester, parts.engine, parts.distributor, parts.sender)
            if ended.wait(every):
                return
