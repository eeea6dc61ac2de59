"""The journal's statements over one connection to PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import AsyncConnection

from ledger.protocol.units import POST_DEADLINE_SECONDS
from serving.journal import queries, rows
from serving.journal.columns import Column, ColumnDumper
from serving.journal.lane import Connection, HeldLane
from serving.journal.pending import Group
from serving.journal.records import EXCHANGE_SECONDS, Answer, Issued
from serving.journal.signing import ReceiptSigner

_OPTIONS = " ".join(
    f"-c {name}={value}"
    for name, value in {
        "synchronous_commit": "on",  # a receipt is durable before it is sent, whatever the server's default
        "statement_timeout": "30s",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "30s",
        "tcp_keepalives_idle": "10",  # a gateway whose machine vanished loses its lane within half a minute
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }.items()
)


async def connect(database_url: str) -> Connection:
    """A connection whose commits are durable, with every statement prepared.

    Args:
        database_url: `postgresql://…`, or with SQLAlchemy's `+psycopg`.
    """
    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    connection = await AsyncConnection.connect(
        address, autocommit=True, options=_OPTIONS, application_name="tributary serving", connect_timeout=5
    )
    connection.prepare_threshold = 0
    connection.adapters.register_dumper(Column, ColumnDumper)
    return connection


async def commit_group(
    connection: Connection, held: HeldLane, signer: ReceiptSigner, group: Group, retention_seconds: int
) -> tuple[set[str], list[Issued] | None]:
    """Ids of the intents that were opened, and the receipts that were issued, all in one durable transaction.

    The receipts are None, and nothing was issued, if the lane is no longer at this epoch and place or an intent is
    missing: the caller finds out which.
    """
    issued = signer.sign_all(held, [ending.closing for ending in group.endings])
    statements = _statements(held, signer, group, issued, retention_seconds)
    if not statements:  # only called: is the database there?
        await connection.execute("SELECT")
        return set(), []
    if len(statements) == 1:
        cursors = [await connection.execute(*statements[0])]  # its own transaction
    else:
        # Up to the end of the pipeline the server takes them for one transaction; saying so would be two more statements.
        async with connection.pipeline():
            cursors = [await connection.execute(*statement) for statement in statements]
    opened = {row[0] for row in await cursors[-1].fetchall()} if group.openings else set()
    if not issued:
        return opened, []
    closed = await cursors[-2 if group.openings else -1].fetchone()
    return opened, issued if closed == (len(issued),) else None


def _statements(
    held: HeldLane, signer: ReceiptSigner, group: Group, issued: list[Issued], retention_seconds: int
) -> list[tuple[LiteralString, dict[str, Any]]]:
    """What to run, in order: the closing last but for the opening, the opening last."""
    identity = held.identity
    base: dict[str, Any] = {"operator": identity.operator, "lane": identity.lane, "epoch": held.epoch}
    payers = {o.intent.payer for o in group.openings} | {e.closing.payer for e in group.endings}
    statements: list[tuple[LiteralString, dict[str, Any]]] = []
    if len(payers) > 1:
        statements.append((queries.LOCK, {**base, "payer": sorted(payers)}))
    if group.checkpoints:
        statements.append((queries.CHECKPOINT, {**base, **rows.checkpoint_columns(group.checkpoints)}))
    unlicensed = rows.unlicensed_columns([e.closing for e in group.endings])
    if unlicensed["request_id"]:
        statements.append((queries.UNLICENSED, {**unlicensed}))
    exchanges = rows.exchange_columns([e.closing for e in group.endings])
    if exchanges["request_id"]:
        statements.append((queries.KEEP_EXCHANGES, {**exchanges, "exchange_seconds": EXCHANGE_SECONDS}))
    if issued:
        place = {"before": held.next_seq, "after": held.next_seq + len(issued), "signer": signer.address}
        answers = rows.answer_columns([e.closing for e in group.endings])
        columns = {**rows.issued_columns(issued), **answers, "retention_seconds": retention_seconds}
        statements.append((queries.CLOSE, {**base, **place, **columns}))
    if group.openings:
        intents = rows.intent_columns([o.intent for o in group.openings])
        statements.append((queries.OPEN, {**base, **intents, "post_deadline_seconds": POST_DEADLINE_SECONDS}))
    return statements


async def find_issued(connection: Connection, request_ids: Sequence[str]) -> dict[str, Issued]:
    """The receipts of these requests, by request id, as far as there are any."""
    cursor = await connection.execute(queries.ISSUED, {"request_id": list(request_ids)})
    return {issued.request_id: issued for issued in map(rows.issued_from_row, await cursor.fetchall())}


async def find_open(connection: Connection, request_ids: Sequence[str]) -> set[str]:
    """Those of these requests that have an intent."""
    cursor = await connection.execute(queries.IS_OPEN, {"request_id": list(request_ids)})
    return {row[0] for row in await cursor.fetchall()}


async def find_answer(connection: Connection, request_id: str) -> Answer | None:
    """The stored answer of a request, if it was kept and has not expired."""
    row = await (await connection.execute(queries.STORED_ANSWER, {"request_id": request_id})).fetchone()
    return None if row is None else Answer(status=row[0], streamed=row[1], body=bytes(row[2]))


async def find_exchange(
    connection: Connection, operator: bytes, lane: int, seq: int
) -> tuple[Issued, bytes, bytes, bytes] | None:
    """The receipt at this place, with the request, the answer and the parameters that are kept for it."""
    words = {"operator": operator, "lane": lane, "seq": seq}
    row = await (await connection.execute(queries.EXCHANGE, words)).fetchone()
    if row is None:
        return None
    request_id, request, produced, parameters = row
    issued = await find_issued(connection, [request_id])
    return issued[request_id], bytes(request), bytes(produced), bytes(parameters)


async def abandon(connection: Connection, held: HeldLane, request_ids: Sequence[str]) -> None:
    """Removes intents of the lane whose answer never began, and frees what they held."""
    lane = {"operator": held.identity.operator, "lane": held.identity.lane, "epoch": held.epoch}
    for request_id in request_ids:
        await connection.execute(queries.ABANDON, {"request_id": request_id, **lane})
