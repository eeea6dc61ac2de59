"""Callers that leave and connections that are lost, at any moment, leave the journal's books whole."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg
import pytest

from ledger.errors import DatabaseUnavailableError
from tests.factories.journal import LANE, assert_books_balance, closing, fund, intent, opens_again, rows, running

pytestmark = pytest.mark.postgres


def test_a_caller_that_goes_away_while_it_opens_leaves_nothing_held(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            for delay_turns in range(12):
                task = asyncio.create_task(one.open(intent(f"gone{delay_turns}")))
                for _ in range(delay_turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if not task.cancelled():  # it was open before its caller went away
                    opened.append((f"gone{delay_turns}",))
            assert await one.open(intent("stays"))
            assert await one.open(intent("stays too"))

    opened: list[tuple[str]] = []
    asyncio.run(scenario())
    assert rows(database_url, "SELECT request_id FROM intents ORDER BY 1") == sorted(
        [*opened, ("stays",), ("stays too",)]
    )
    assert_books_balance(database_url)


def test_a_caller_that_leaves_just_as_it_is_told_leaves_nothing_held(database_url: str) -> None:
    """The intent is durable and the answer on its way when the caller is cancelled."""
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            pending_open = one._pending.open

            def leaving(new):
                opening = pending_open(new)
                opening.opened.add_done_callback(lambda _: task.cancel())  # runs before the task hears of it
                return opening

            one._pending.open = leaving
            task = asyncio.create_task(one.open(intent("gone")))
            assert isinstance((await asyncio.gather(task, return_exceptions=True))[0], asyncio.CancelledError)
            one._pending.open = pending_open
            assert await one.open(intent("stays"))

    asyncio.run(scenario())
    assert rows(database_url, "SELECT request_id FROM intents") == [("stays",)]
    assert_books_balance(database_url)


def test_what_one_gateway_gives_up_another_may_be_answering(database_url: str) -> None:
    """A client that tries again under its Idempotency-Key at a gateway whose database is away just then."""
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one, running(database_url, replace(LANE, lane=8)) as other:
            assert await other.open(intent("keyed"))
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", [one._connected().info.backend_pid])
            with pytest.raises(DatabaseUnavailableError):
                await one.open(intent("keyed"))
            await opens_again(one, "after")
            receipt = (await other.close(closing("keyed")).issued).signed.receipt
            assert (receipt.lane, receipt.fee_units) == (8, 60)

    asyncio.run(scenario())
    assert_books_balance(database_url)


def test_the_journal_outlives_a_lost_connection_at_any_moment(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            done = 0
            for round_number in range(8):
                names = [f"r{round_number}-{n}" for n in range(20)]
                assert all(await asyncio.gather(*(one.open(intent(n)) for n in names)))
                endings = [one.close(closing(n)) for n in names]
                for _ in range(round_number):
                    await asyncio.sleep(0)
                with psycopg.connect(database_url, autocommit=True) as connection:
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE application_name = 'tributary serving' AND datname = current_database()"
                    )
                issued = await asyncio.gather(*(e.issued for e in endings))
                assert sorted(i.signed.receipt.seq for i in issued) == list(range(done, done + 20))
                done += 21
                await opens_again(one, f"after{round_number}")

    asyncio.run(scenario())
    assert_books_balance(database_url)
