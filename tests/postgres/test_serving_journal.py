"""The journal on a real PostgreSQL: gapless, exactly once, never beyond what a payer may spend."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ledger.errors import InvalidReceiptError
from ledger.protocol.attribution import attribution_hash
from ledger.protocol.keccak import keccak256
from ledger.protocol.signature import recover
from serving.journal import store
from serving.journal.pending import Ending, Group, Opening
from serving.journal.records import Answer, Checkpoint, MadeBy, UnlicensedUse
from tests.factories.journal import (
    FUNDED_UNTIL,
    OTHER_PAYER,
    PAYER,
    SIGNER,
    assert_books_balance,
    closing,
    fund,
    intent,
    rows,
    running,
)

pytestmark = pytest.mark.postgres


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
