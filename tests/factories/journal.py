"""A lane's journal on a real database: payers that have funds, requests that open and close, and its books."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from ledger.errors import DatabaseUnavailableError
from ledger.protocol.attribution import SetEntry
from ledger.protocol.domain import Domain
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import private_key
from serving.journal.lane import LaneIdentity
from serving.journal.records import Closing, NewIntent
from serving.journal.signing import ReceiptSigner
from serving.journal.writer import Journal, JournalSettings

OPERATOR, LEDGER = b"\x01" * 20, b"\x02" * 20
PAYER, OTHER_PAYER = b"\x03" * 20, b"\x04" * 20
LANE = LaneIdentity(OPERATOR, 7, 901, LEDGER)
SIGNER = ReceiptSigner(private_key(b"\x11" * 32), Domain(901, LEDGER))
FUNDED_UNTIL = 2_000_000_000


def fund(url: str, payer: bytes = PAYER, balance: int = 10**9, cap: int = 10**9) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO spend_accounts (operator, payer, balance_units, thawing_units, debt_units, collected_units,"
            " cap_units, valid_until, uncollected_units, held_units, block_number)"
            " VALUES (%s, %s, %s, 0, 0, 0, %s, %s, 0, 0, 1)",
            [OPERATOR, payer, balance, cap, FUNDED_UNTIL],
        )


def intent(request_id: str, exposure: int = 100, payer: bytes = PAYER) -> NewIntent:
    return NewIntent(
        request_id=request_id,
        payer=payer,
        key_id="key",
        asset_id=5,
        model="quill:austen",
        exposure_units=exposure,
        input_price_units=10,
        output_price_units=20,
        input_units=9,
        request_hash=keccak256(request_id.encode()),
        response_hash=keccak256(b"nothing"),
        salt=b"\x05" * 32,
        body_sha256=b"\x06" * 32,
        started_at=1_700_000_000,
    )


def closing(request_id: str, fee: int = 60, payer: bytes = PAYER) -> Closing:
    return Closing(
        request_id=request_id,
        payer=payer,
        asset_id=5,
        model="quill:austen",
        request_hash=keccak256(request_id.encode()),
        response_hash=keccak256(b"answer"),
        input_units=9,
        output_units=4,
        fee_units=fee,
        attribution=(SetEntry(3, 400_000), SetEntry(8, 600_000)),
        started_at=1_700_000_000,
        duration_ms=250,
        salt=b"\x05" * 32,
        body_sha256=b"\x06" * 32,
        outcome="complete",
        finish_reason="stop",
    )


def journal(url: str, identity: LaneIdentity = LANE) -> Journal:
    return Journal(JournalSettings(url, "test", checkpoint_seconds=0.05, lock_wait_seconds=0.2), identity, SIGNER)


@asynccontextmanager
async def running(url: str, identity: LaneIdentity = LANE, chain_next_seq: int = 0) -> AsyncIterator[Journal]:
    one = journal(url, identity)
    await one.start(chain_next_seq)
    try:
        yield one
    finally:
        await one.stop()


async def opens_again(one: Journal, name: str) -> None:
    """The first request after a lost connection may be refused; then one goes through, and ends for nothing."""
    for _ in range(500):
        try:
            assert await one.open(intent(name))
        except DatabaseUnavailableError:
            await asyncio.sleep(0.01)
        else:
            await one.close(closing(name, fee=0)).issued
            return
    pytest.fail("the journal did not come back within 5 s")


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def assert_books_balance(url: str) -> None:
    """What accounts hold and owe equals what the rows behind them say, and seq has no gap."""
    assert (
        rows(
            url,
            "SELECT a.payer FROM spend_accounts a WHERE a.held_units <> (SELECT coalesce(sum(exposure_units), 0)"
            " FROM intents i WHERE i.payer = a.payer) OR a.uncollected_units <> (SELECT coalesce(sum(fee_units), 0)"
            " FROM issued_receipts r WHERE r.payer = a.payer)",
        )
        == []
    )
    assert (
        rows(
            url,
            "SELECT lane FROM lanes l WHERE next_seq <> (SELECT count(*) FROM issued_receipts r WHERE r.lane = l.lane)"
            " OR next_seq <> (SELECT coalesce(max(seq) + 1, 0) FROM issued_receipts r WHERE r.lane = l.lane)",
        )
        == []
    )
