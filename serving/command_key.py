"""`tributary key`: API keys that an operator gives by its own decision."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from psycopg import AsyncConnection

from ledger.errors import MalformedInputError, SettingsError
from ledger.protocol.hexadecimal import from_hex
from serving.assembly import chain_reader
from serving.clock import Clock
from serving.database import Database, plain_url
from serving.payers.authorizations import AuthorizationDesk
from serving.payers.keys import IssuedKey, KeyRing
from serving.settings import KeySettings

app = typer.Typer(add_completion=False)


@app.command()
def grant(
    payer: Annotated[str, typer.Argument(help="Address of the payer, 0x and 40 hex digits.")],
    label: Annotated[str, typer.Option(help="What you call the key.")] = "",
) -> None:
    """Give a payer an API key without an authorization: for smart accounts that register their cap on chain.

    Payers who can sign need nobody for this: they send a SpendAuthorization to POST /v1/keys. Prints the key, once.
    """
    try:
        address = from_hex(payer, 20)
    except MalformedInputError as error:
        raise SettingsError(f"{payer} is not an address.") from error
    key = asyncio.run(_grant(KeySettings.load(), address, label))
    typer.echo(key.secret)


async def _grant(settings: KeySettings, payer: bytes, label: str) -> IssuedKey:
    url = settings.database_url.get_secret_value()
    # The pool would try for ten seconds and log each time; who types a command wants the reason.
    await (await AsyncConnection.connect(plain_url(url), connect_timeout=5)).close()
    database = Database(url)
    await database.open()
    try:
        reader = chain_reader(settings, settings.operator)
        desk = AuthorizationDesk(database, reader, Clock(follow_chain=True))
        return await KeyRing(database, desk, settings.operator).grant(payer, label)
    finally:
        await database.close()
