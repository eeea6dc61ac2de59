"""`tributary api`: royalties, receipts, batches and proofs for readers."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import text

from api.app import build_app
from api.reader import open_reader
from api.settings import ApiSettings
from ledger.http_server import address_of, bind, serve

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def api(
    host: Annotated[str | None, typer.Option(help="Interface to listen on [API_HOST].")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one [API_PORT].")] = None,
) -> None:
    """Serve what the index holds to readers, over HTTP: `/docs` describes every path.

    Reads PostgreSQL only (DATABASE_URL), in read-only transactions; it needs no chain and no key. Run as many as you
    like, also on a replica.
    """
    settings = ApiSettings.load(host=host, port=port)
    listener = bind(settings.host, settings.port)
    engine = open_reader(settings)
    try:
        with engine.connect() as connection:  # what is wrong with the database is said here, not to every reader
            connection.execute(text("SELECT FROM heads LIMIT 0"))
        typer.echo(f"Serving {address_of(listener)}/v1; {address_of(listener)}/docs describes it.")
        serve(build_app(engine, settings), listener)
    finally:
        engine.dispose()
        listener.close()
