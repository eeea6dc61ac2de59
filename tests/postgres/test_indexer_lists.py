"""A contributor list is written as complete only if its rows are those committed to, and falls with its blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from indexer.following.copying import write_rows
from indexer.following.lists import check_completed_lists
from indexer.following.undo import undo_above
from indexer.rows.buffer import Origin, Rows
from indexer.rows.context import Context, Event
from indexer.rows.contributors import HANDLERS
from ledger.chain.events.attribution_registry import ContributorsCompleted, ContributorsOpened, ContributorsPublished
from ledger.errors import MalformedAnswerError
from ledger.protocol.contributors import Contributor, contributors_root, row_of

pytestmark = pytest.mark.postgres

L2 = 901
ROWS = [Contributor(bytes([n]) * 20, n * 10**17) for n in range(1, 60)]
TOTAL = sum(weight for _, weight in ROWS)
OPENED = ContributorsOpened(1, b"\x0e" * 20, contributors_root(ROWS), len(ROWS), TOTAL)
COMPLETED = ContributorsCompleted(1)


def published(rows: list[Contributor], first: int = 0) -> ContributorsPublished:
    before = sum(weight for _, weight in ROWS[:first])
    return ContributorsPublished(1, first, before, tuple(row_of(row) for row in rows))


@pytest.fixture
def cursor(module_database_url: str) -> Iterator[psycopg.Cursor[Any]]:
    with psycopg.connect(module_database_url) as connection, connection.cursor() as cursor:
        yield cursor
        connection.rollback()


def write(cursor: psycopg.Cursor[Any], *events: object, block: int = 5) -> Rows:
    context = Context(L2, lambda _id: None)
    for index, event in enumerate(events):
        HANDLERS[type(event)](event, Event(Origin(L2, block, bytes([block]) * 32, index), 0, b"", b""), context)
    write_rows(cursor, context.rows)
    check_completed_lists(cursor, context.rows)
    return context.rows


def state(cursor: psycopg.Cursor[Any]) -> tuple[int, bool]:
    """(rows that stand, whether the list is complete)."""
    (rows,) = cursor.execute("SELECT count(*) FROM contributors").fetchone() or (0,)
    done = cursor.execute("SELECT completed_block_number IS NOT NULL FROM contributor_lists").fetchone()
    return rows, bool(done and done[0])


def test_a_list_told_in_several_runs_of_blocks_is_complete_with_the_last(cursor: psycopg.Cursor[Any]) -> None:
    write(cursor, OPENED, published(ROWS[:20]), block=5)
    write(cursor, published(ROWS[20:59], 20), block=6)
    assert state(cursor) == (59, False)
    write(cursor, COMPLETED, block=7)
    assert state(cursor) == (59, True)
    sums = cursor.execute("SELECT cumulative_weight FROM contributors ORDER BY position").fetchall()
    assert [int(row[0]) for row in sums] == [sum(w for _, w in ROWS[: at + 1]) for at in range(len(ROWS))]


@pytest.mark.parametrize(
    "events",
    [
        (OPENED, published(ROWS[:58]), COMPLETED),
        (OPENED, published([*ROWS[:58], Contributor(ROWS[58].address, 1)]), COMPLETED),
        (OPENED, published(ROWS[:30]), published(ROWS[31:], 31), COMPLETED),
        (OPENED, published(ROWS[:30]), published(ROWS[30:], 31), COMPLETED),
        (OPENED, COMPLETED),
    ],
    ids=["a row short", "another weight", "a gap", "shifted", "no rows"],
)
def test_rows_that_are_not_those_committed_to_are_refused_whole(
    cursor: psycopg.Cursor[Any], events: tuple[object, ...]
) -> None:
    with pytest.raises(MalformedAnswerError, match="contributor list 1"):
        write(cursor, *events)


@pytest.mark.parametrize(("above", "left"), [(4, (0, False)), (5, (20, False)), (6, (59, False)), (7, (59, True))])
def test_a_reorg_takes_back_rows_and_completion(
    cursor: psycopg.Cursor[Any], above: int, left: tuple[int, bool]
) -> None:
    write(cursor, OPENED, published(ROWS[:20]), block=5)
    write(cursor, published(ROWS[20:], 20), block=6)
    write(cursor, COMPLETED, block=7)
    undo_above(cursor, L2, above)
    assert state(cursor) == left
    if above == 5:
        write(cursor, published(ROWS[20:], 20), COMPLETED, block=8)
        assert state(cursor) == (59, True)
