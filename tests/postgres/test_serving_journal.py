"""The journal on a real PostgreSQL: gapless, exactly once, never beyond what a payer may spend."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ledger.errors import DatabaseUnavailableError, InvalidReceiptError, LaneFencedError, SettingsError
from ledger.protocol.attribution import SetEntry, attribution_hash
from ledger.protocol.domain import Domain
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import private_key, recover
from serving.journal import store
from serving.journal.lane import LaneIdentity
from serving.journal.pending import Ending, Group, Opening
from serving.journal.records import Answer, Checkpoint, Closing, MadeBy, NewIntent, UnlicensedUse
from serving.journal.signing import ReceiptSigner
from serving.journal.writer import Journal, JournalSettings

pytestmark = pytest.mark.postgres

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


def test_a_closed_request_leaves_a_durable_receipt_signed_by_the_lane_key(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            assert await one.open(intent("a"))
            assert_books_balance(database_url)
            issued = await one.close(closing("a")).issued
            receipt = issued.signed.receipt
            assert recover(receipt.digest(SIGNER.domain), issued.signed.signature) == SIGNER.address
            assert (receipt.lane, receipt.seq, receipt.fee_units) == (7, 0, 60)
            assert receipt.attribution_hash == attribution_hash(closing("a").attribution)

    asyncio.run(scenario())
    assert rows(database_url, "SELECT seq, attribution_set, outcome FROM issued_receipts") == [
        (0, [[3, 400_000], [8, 600_000]], "complete")
    ]
    assert rows(database_url, "SELECT count(*) FROM intents") == [(0,)]
    assert_books_balance(database_url)


def test_what_made_a_set_and_what_was_found_unlicensed_is_kept_with_the_receipt(database_url: str) -> None:
    fund(database_url)
    made_by = MadeBy(b"attr/1".ljust(32, b"\0"), b"\x07" * 32)
    uses = (UnlicensedUse(9, "text.txt", 4_711, 12, 91_000), UnlicensedUse(11, "a/b.txt", 0, 7, 60_000))

    async def scenario() -> None:
        async with running(database_url) as one:
            for name in ("a", "b"):
                assert await one.open(intent(name))
            await one.close(replace(closing("a"), made_by=made_by, unlicensed=uses)).issued
            await one.close(closing("b")).issued

    asyncio.run(scenario())
    assert rows(
        database_url, "SELECT seq, attribution_method, attribution_params_hash FROM issued_receipts ORDER BY seq"
    ) == [(0, *made_by), (1, bytes(32), bytes(32))]
    assert rows(
        database_url,
        "SELECT request_id, asset_id, dataset_id, path, byte_offset, words, millibits FROM unlicensed_uses"
        " ORDER BY position",
    ) == [("a", 5, *use) for use in uses]


def test_receipts_of_many_concurrent_requests_have_no_gap_and_no_double(database_url: str) -> None:
    fund(database_url)
    fund(database_url, OTHER_PAYER)
    payers = [PAYER, OTHER_PAYER]

    async def scenario() -> None:
        async with running(database_url) as one:

            async def request(number: int) -> int:
                name, payer = f"r{number}", payers[number % 2]
                assert await one.open(intent(name, payer=payer))
                return (await one.close(closing(name, fee=number % 100, payer=payer)).issued).signed.receipt.seq

            seqs = await asyncio.gather(*(request(n) for n in range(700)))
            assert sorted(seqs) == list(range(700))

    asyncio.run(scenario())
    assert_books_balance(database_url)


def test_concurrent_requests_never_hold_more_than_the_account_may_spend(database_url: str) -> None:
    fund(database_url, balance=1_050, cap=10**9)
    fund(database_url, OTHER_PAYER, balance=10**9, cap=350)

    async def scenario() -> None:
        async with running(database_url) as one:
            by_balance = await asyncio.gather(*(one.open(intent(f"b{n}")) for n in range(50)))
            by_cap = await asyncio.gather(*(one.open(intent(f"c{n}", payer=OTHER_PAYER)) for n in range(50)))
            assert (by_balance.count(True), by_cap.count(True)) == (10, 3)
            # A smaller request still fits what a larger one did not.
            assert await one.open(intent("small", exposure=50))
            assert not await one.open(intent("one more", exposure=1))

    asyncio.run(scenario())
    assert_books_balance(database_url)


def test_a_request_past_the_authorizations_life_is_not_opened(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            last = FUNDED_UNTIL - 86_400
            assert not await one.open(replace(intent("late"), started_at=last))
            assert await one.open(replace(intent("in time"), started_at=last - 1))

    asyncio.run(scenario())


def test_an_unknown_payer_is_not_opened(database_url: str) -> None:
    async def scenario() -> None:
        async with running(database_url) as one:
            assert not await one.open(intent("a"))

    asyncio.run(scenario())


def test_a_request_id_that_is_open_or_answered_is_not_opened_again(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            assert await one.open(intent("a"))
            assert not await one.open(intent("a"))
            await one.close(closing("a")).issued
            assert not await one.open(intent("a"))

    asyncio.run(scenario())
    assert_books_balance(database_url)


@pytest.mark.parametrize(
    ("malformed", "told"),
    [
        ({"outcome": "nonsense"}, psycopg.errors.CheckViolation),  # nothing the gateway's own code would write
        ({"unlicensed": (UnlicensedUse(9, "text.txt", 1, 12, 2**40),)}, psycopg.errors.NumericValueOutOfRange),
        ({"finish_reason": "\ud800"}, UnicodeEncodeError),
        ({"fee_units": 2**64}, InvalidReceiptError),
    ],
    ids=["by a check", "by a column", "as text", "as a receipt"],
)
def test_one_malformed_record_does_not_take_its_group_with_it(
    database_url: str, malformed: dict[str, Any], told: type[Exception]
) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            assert all(await asyncio.gather(*(one.open(intent(n)) for n in "abc")))
            endings = [
                one.close(closing("a")),
                one.close(replace(closing("b"), **malformed)),
                one.close(closing("c")),
            ]
            assert (await endings[0].issued).signed.receipt.seq == 0
            with pytest.raises(told):
                await endings[1].issued
            assert (await endings[2].issued).signed.receipt.seq == 1
            with pytest.raises(struct.error):
                await one.open(replace(intent("d"), input_units=2**40))
            assert one.available

    asyncio.run(scenario())
    assert_books_balance(database_url)


def test_a_group_is_committed_as_a_whole_or_not_at_all(database_url: str) -> None:
    """Its statements go out together and count as one transaction up to the last, without saying so."""
    fund(database_url)
    fund(database_url, OTHER_PAYER)

    async def scenario() -> None:
        async with running(database_url) as one:
            assert await one.open(intent("a"))
            assert await one.open(intent("taken", payer=OTHER_PAYER))
            loop = asyncio.get_running_loop()
            group = Group(
                openings=[Opening(intent("taken", payer=OTHER_PAYER), loop.create_future())],
                endings=[Ending(closing("a"), loop.create_future())],
                checkpoints=[Checkpoint("taken", 3, keccak256(b"sent"), 5)],
            )
            with pytest.raises(psycopg.errors.UniqueViolation):
                await store.commit_group(one._connected(), one.held, SIGNER, group, 60)
            assert rows(database_url, "SELECT seq FROM issued_receipts") == []
            assert rows(database_url, "SELECT next_seq FROM lanes") == [(0,)]
            assert rows(database_url, "SELECT output_units FROM intents WHERE output_units > 0") == []
            group.openings.clear()
            await store.commit_group(one._connected(), one.held, SIGNER, group, 60)
            assert rows(database_url, "SELECT seq FROM issued_receipts") == [(0,)]
            assert rows(database_url, "SELECT output_units FROM intents") == [(3,)]

    asyncio.run(scenario())
    assert_books_balance(database_url)


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


def test_checkpoints_are_written_and_never_go_back(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            await one.open(intent("a"))
            one.checkpoint(Checkpoint("a", 4, keccak256(b"four"), 30))
            await one.open(intent("b"))
            one.checkpoint(Checkpoint("a", 2, keccak256(b"two"), 20))
            await one.open(intent("c"))

    asyncio.run(scenario())
    written = rows(
        database_url, "SELECT output_units, response_hash, checkpoint_ms FROM intents WHERE request_id = 'a'"
    )
    assert written == [(4, keccak256(b"four"), 30)]


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


def test_an_answer_is_kept_with_its_receipt(database_url: str) -> None:
    fund(database_url)

    async def scenario() -> None:
        async with running(database_url) as one:
            await one.open(intent("a"))
            await one.close(replace(closing("a"), answer=Answer(200, streamed=False, body=b'{"x":1}'))).issued

    asyncio.run(scenario())
    assert rows(database_url, "SELECT request_id, status, streamed, body FROM stored_answers") == [
        ("a", 200, False, b'{"x":1}')
    ]
