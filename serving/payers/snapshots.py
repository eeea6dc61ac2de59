"""Payers' escrow accounts as they stood in one safe block, with the caps that were signed since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger.chain.blocks import BlockRef
from ledger.chain.structs import Account
from ledger.protocol.authorization import SpendAuthorization
from ledger.protocol.units import POST_DEADLINE_SECONDS
from serving.database import Connection, Database
from serving.onchain.reader import ChainReader
from serving.payers import queries
from serving.payers.standing import Standing, standing


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One account in one block."""

    payer: bytes
    account: Account
    standing: Standing


async def take_snapshots(
    database: Database, reader: ChainReader, payers: Sequence[bytes], block: BlockRef, now: int
) -> list[Snapshot]:
    """The payers' accounts in the block, each with the best cap that counts at `now`.

    No connection is held while the chain is asked.
    """
    accounts = await asyncio.to_thread(reader.accounts, payers, block)
    signed = await _authorizations(database, reader.operator, payers, now)
    chosen = await asyncio.to_thread(_signed_by_those_who_may, reader, signed, block, now)
    return [
        Snapshot(payer, account, standing(account, chosen.get(payer, ()), now)) for payer, account in accounts.items()
    ]


async def write_snapshots(connection: Connection, operator: bytes, snapshots: Sequence[Snapshot], block: int) -> None:
    """Puts the snapshots into the accounts, unless one from a newer block is there; what is held and owed stays."""
    if not snapshots:
        return
    words: dict[str, Any] = {
        "operator": operator,
        "block_number": block,
        "payers": [s.payer for s in snapshots],
        "balance": [Decimal(s.account.balance_units) for s in snapshots],
        "thawing": [Decimal(s.account.thawing_units) for s in snapshots],
        "debt": [Decimal(s.account.debt_units) for s in snapshots],
        "collected": [Decimal(s.account.collected_units) for s in snapshots],
        "cap": [Decimal(s.standing.cap_units) for s in snapshots],
        "valid_until": [s.standing.valid_until for s in snapshots],
    }
    await connection.execute(queries.SNAPSHOT, words)


async def _authorizations(
    database: Database, operator: bytes, payers: Sequence[bytes], now: int
) -> list[tuple[SpendAuthorization, bytes]]:
    words = {"operator": operator, "payers": list(payers), "now": now}
    rows = await database.fetch(queries.AUTHORIZATIONS, words)
    return [
        (SpendAuthorization(bytes(payer), operator, int(cap), valid_until), bytes(signer))
        for payer, cap, valid_until, signer in rows
    ]


def _signed_by_those_who_may(
    reader: ChainReader, signed: Iterable[tuple[SpendAuthorization, bytes]], block: BlockRef, now: int
) -> dict[bytes, list[SpendAuthorization]]:
    """By payer: a session key's authorization counts only if the key will still be active when it is submitted."""
    chosen: dict[bytes, list[SpendAuthorization]] = {}
    for authorization, signer in signed:
        payer, last = authorization.payer, now + POST_DEADLINE_SECONDS
        if signer == payer or reader.is_session_key(payer, signer, last, block):
            chosen.setdefault(payer, []).append(authorization)
    return chosen
