"""A lane has one gateway, and goes on where it ended or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg
import pytest

from ledger.errors import LaneFencedError, SettingsError
from serving.journal.lane import LaneIdentity
from tests.factories.journal import LANE, assert_books_balance, closing, fund, intent, journal, rows, running

pytestmark = pytest.mark.postgres


def test_a_second_gateway_is_kept_out_of_the_lane(database_url: str) -> None:
    async def scenario() -> None:
        async with running(database_url):
            with pytest.raises(LaneFencedError, match="Another gateway serves lane 7"):
                await journal(database_url).start(0)
            async with running(database_url, replace(LANE, lane=8)) as other:
                assert other.available

    asyncio.run(scenario())


def test_a_gateway_that_was_replaced_can_neither_open_nor_issue(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        one = journal(database_url)
        await one.start(0)
        assert await one.open(intent("a"))
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("UPDATE lanes SET epoch = epoch + 1")
        with pytest.raises(LaneFencedError):
            await one.close(closing("a")).issued
        with pytest.raises(LaneFencedError):
            await one.open(intent("b"))
        assert not one.available
        await one.stop()

    asyncio.run(scenario())
    assert rows(database_url, "SELECT count(*) FROM issued_receipts") == [(0,)]
    assert rows(database_url, "SELECT request_id FROM intents") == [("a",)]


def test_a_lane_continues_where_it_ended(database_url: str) -> None:
    fund(database_url)

    async def one_receipt(name: str, chain_next_seq: int) -> int:
        async with running(database_url, chain_next_seq=chain_next_seq) as one:
            assert await one.open(intent(name))
            return (await one.close(closing(name)).issued).signed.receipt.seq

    assert asyncio.run(one_receipt("a", 0)) == 0
    assert asyncio.run(one_receipt("b", 0)) == 1
    assert asyncio.run(one_receipt("c", 2)) == 2


@pytest.mark.parametrize(
    ("change", "identity", "chain_next_seq"),
    [
        ("UPDATE lanes SET next_seq = 0", LANE, 1),  # receipts were posted that the database has lost
        ("UPDATE lanes SET database_identity = 'another/1'", LANE, 0),  # a restore: another system or timeline
        ("SELECT 1", replace(LANE, lane=9), 3),  # a lane used from another database
        ("SELECT 1", replace(LANE, ledger_address=b"\x09" * 20), 0),  # another deployment
    ],
)
def test_a_lane_that_the_database_does_not_know_whole_is_refused(
    database_url: str, change: str, identity: LaneIdentity, chain_next_seq: int
) -> None:
    async def open_and_close() -> None:
        async with running(database_url):
            pass

    asyncio.run(open_and_close())
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(change)
    with pytest.raises(SettingsError, match="lane"):
        asyncio.run(journal(database_url, identity).start(chain_next_seq))


def test_a_new_lane_after_a_restore_closes_the_old_one_and_frees_what_it_held(database_url: str) -> None:
    fund(database_url)

    async def leave_open() -> None:
        async with running(database_url) as one:
            await one.open(intent("lost"))

    async def open_new_lane() -> None:
        async with running(database_url, replace(LANE, lane=8)) as one:
            assert await one.open(intent("new"))

    asyncio.run(leave_open())
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE lanes SET database_identity = 'before/1'")
    asyncio.run(open_new_lane())
    assert rows(database_url, "SELECT lane, closed FROM lanes ORDER BY 1") == [(7, True), (8, False)]
    assert rows(database_url, "SELECT request_id FROM intents") == [("new",)]
    assert_books_balance(database_url)
