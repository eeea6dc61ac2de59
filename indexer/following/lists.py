"""A contributor list that the registry calls complete is complete here too, and hashes to what was committed to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.db.models.indexer_contributors import ContributorList
from ledger.errors import MalformedAnswerError
from ledger.protocol.contributors import Contributor, contributors_root

if TYPE_CHECKING:
    import psycopg

    from indexer.rows.buffer import Rows

_LIST = "SELECT root, count, total_weight FROM contributor_lists WHERE list_id = %s"
_ROWS = "SELECT contributor, weight, cumulative_weight FROM contributors WHERE list_id = %s ORDER BY position"


def check_completed_lists(cursor: psycopg.Cursor[Any], rows: Rows) -> None:
    """Nothing, if every list that `rows` complete is right; they are written already, in the caller's transaction.

    Raises:
        MalformedAnswerError: rows are missing or wrong, which no honest node's answer can bring about.
    """
    for closing in rows.closings:
        if closing.model is ContributorList:
            _check(cursor, closing.key["list_id"])


def _check(cursor: psycopg.Cursor[Any], list_id: int) -> None:
    committed = cursor.execute(_LIST, (list_id,)).fetchone()
    listed = cursor.execute(_ROWS, (list_id,)).fetchall()
    contributors = [Contributor(bytes(address), int(weight)) for address, weight, _ in listed]
    found = (contributors_root(contributors), len(listed), int(listed[-1][2])) if listed else None
    if committed is None or found != (bytes(committed[0]), committed[1], int(committed[2])):
        raise MalformedAnswerError(
            f"A node calls contributor list {list_id} complete, but the rows that it told of are not those committed to."
        )
