"""Rows and cursor of one chain: written together, moved only from the head that the writer knows.

Every transaction begins with a compare-and-set on the cursor. It takes the row's lock, so writers queue, and the second
finds another head and stops: two indexers on one database never both write.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from typing_extensions import override

from indexer.connection import ConnectedStore, first_line
from indexer.following.copying import write_rows
from indexer.following.heads import Head, indexed_heads
from indexer.following.lists import check_completed_lists
from indexer.following.undo import undo_above
from indexer.rows.context import Filling
from ledger.chain.blocks import BlockRef
from ledger.errors import LaneFencedError, MalformedAnswerError, ReorgDetectedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.following.heads import StoredHeads
    from indexer.following.source import Run
    from indexer.rows.buffer import Rows
    from ledger.chain.blocks import Heads, Tag

_TIP = """
SELECT b.number, b.hash, b.parent_hash, b.timestamp, c.deployment_hash
FROM cursors c JOIN blocks b ON (b.chain_id, b.number) = (c.chain_id, c.number) WHERE c.chain_id = %s
"""
_HEADS = """
SELECT tag, number, hash, timestamp FROM heads WHERE chain_id = %s
"""
_PUT_HEAD = """
INSERT INTO heads (chain_id, tag, number, hash, timestamp) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (chain_id, tag) DO UPDATE SET (number, hash, timestamp) = (excluded.number, excluded.hash, excluded.timestamp)
"""
_MOVE = """
UPDATE cursors SET number = %s, hash = %s WHERE (chain_id, number, hash) = (%s, %s, %s)
"""
_PUT_BLOCK = """
INSERT INTO blocks (chain_id, number, hash, parent_hash, timestamp) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (chain_id, number) DO NOTHING
"""
_FORGET = """
DELETE FROM blocks WHERE chain_id = %s AND number < %s
"""
_STORED = """
SELECT number, hash, parent_hash, timestamp FROM blocks WHERE chain_id = %s AND number <= %s ORDER BY number DESC
"""
_HASHES = """
SELECT number, hash FROM blocks WHERE chain_id = %s AND number = ANY(%s)
"""
_FILLING = """
SELECT max(fill), min(first_committed_at) FROM batches WHERE batch_id = %s
"""


class ChainStore(ConnectedStore):
    """One chain's part of the database. Not thread-safe: one follower owns it."""

    def __init__(self, database_url: str, chain_id: int) -> None:
        super().__init__(database_url, f"tributary-index-{chain_id}")
        self.chain_id = chain_id

    @override
    @contextmanager
    def transaction(self) -> Iterator[psycopg.Cursor[Any]]:
        """One transaction.

        Raises:
            DatabaseUnavailableError: the server went away; what was not committed is not there.
            MalformedAnswerError: rows that the tables' constraints refuse, so no honest node's answer.
        """
        try:
            with super().transaction() as cursor:
                yield cursor
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise MalformedAnswerError(f"A node's answer makes no rows: {first_line(error)}.") from error

    def tip(self, deployment_hash: bytes) -> BlockRef | None:
        """The last indexed block; None in a database without this chain.

        Raises:
            UsageError: the rows are of another deployment.
        """
        with self.transaction() as cursor:
            row = cursor.execute(_TIP, (self.chain_id,)).fetchone()
        if row is None:
            return None
        if bytes(row[4]) != deployment_hash:
            raise UsageError(
                "This database was indexed for another deployment of the contracts; "
                "use another database, or rebuild with `tributary index --rebuild`."
            )
        return BlockRef(*row[:4])

    def begin(self, start: BlockRef, deployment_hash: bytes) -> None:
        """Set the cursor to the block before the first one that matters; nothing if it stands already."""
        with self.transaction() as cursor:
            self._put_blocks(cursor, [start])
            cursor.execute(
                "INSERT INTO cursors (chain_id, number, hash, deployment_hash, reorgs, deepest_reorg_blocks)"
                " VALUES (%s, %s, %s, %s, 0, 0) ON CONFLICT (chain_id) DO NOTHING",
                (self.chain_id, start.number, start.hash, deployment_hash),
            )

    def advance(self, tip: BlockRef, run: Run, rows: Rows, heads: Heads) -> None:
        """Write a run's rows and move the cursor from `tip` to its last block.

        Raises:
            LaneFencedError: the cursor is not at `tip`.
        """
        with self.transaction() as cursor:
            self._move(cursor, tip, run.last)
            write_rows(cursor, rows)
            check_completed_lists(cursor, rows)
            self._put_blocks(cursor, run.headers)
            stored = self._put_heads(cursor, heads, run.last)
            keep = min(stored["finalized"].number, run.last.number)
            cursor.execute(_FORGET, (self.chain_id, keep))

    def note_heads(self, tip: BlockRef, heads: Heads) -> None:
        """Take over the chain's heads where nothing else is new."""
        stored = self.heads()
        if stored == indexed_heads(heads, Head.of(tip), stored):
            return
        with self.transaction() as cursor:
            self._move(cursor, tip, tip)
            stored = self._put_heads(cursor, heads, tip)
            cursor.execute(_FORGET, (self.chain_id, stored["finalized"].number))

    def roll_back(self, tip: BlockRef, to: BlockRef) -> None:
        """Undo every row above `to` and move the cursor there, in one transaction.

        Raises:
            LaneFencedError: the cursor is not at `tip`.
        """
        with self.transaction() as cursor:
            self._move(cursor, tip, to)
            undo_above(cursor, self.chain_id, to.number)
            self._put_heads(cursor, None, to)
            cursor.execute(
                "UPDATE cursors SET reorgs = reorgs + 1, deepest_reorg_blocks = greatest(deepest_reorg_blocks, %s)"
                " WHERE chain_id = %s",
                (tip.number - to.number, self.chain_id),
            )

    def blocks_from(self, number: int) -> list[BlockRef]:
        """The stored blocks not above `number`, highest first; the lowest is final."""
        with self.transaction() as cursor:
            return [BlockRef(*row) for row in cursor.execute(_STORED, (self.chain_id, number))]

    def heads(self) -> StoredHeads:
        """The heads as they are stored."""
        with self.transaction() as cursor:
            return self._heads(cursor)

    def filling(self, batch_id: int) -> Filling | None:
        """The newest stored filling of a batch."""
        with self.transaction() as cursor:
            row = cursor.execute(_FILLING, (batch_id,)).fetchone()
        return None if row is None or row[0] is None else Filling(*row)

    def _heads(self, cursor: psycopg.Cursor[Any]) -> StoredHeads:
        rows: list[tuple[Tag, int, bytes, int]] = cursor.execute(_HEADS, (self.chain_id,)).fetchall()
        return {tag: Head(number, block_hash, timestamp) for tag, number, block_hash, timestamp in rows}

    def _put_heads(self, cursor: psycopg.Cursor[Any], heads: Heads | None, tip: BlockRef) -> StoredHeads:
        stored = indexed_heads(heads, Head.of(tip), self._heads(cursor))
        self._check_heads(cursor, stored)
        rows = [(self.chain_id, tag, head.number, head.hash, head.timestamp) for tag, head in stored.items()]
        cursor.executemany(_PUT_HEAD, rows)
        return stored

    def _check_heads(self, cursor: psycopg.Cursor[Any], heads: StoredHeads) -> None:
        """Heads are of the chain that is stored; one below the first stored block (a young chain) can't be compared."""
        known = dict(cursor.execute(_HASHES, (self.chain_id, [head.number for head in heads.values()])).fetchall())
        (first,) = cursor.execute(
            "SELECT min(number) FROM blocks WHERE chain_id = %s", (self.chain_id,)
        ).fetchone() or (0,)
        if any(known.get(head.number) != head.hash for head in heads.values() if head.number >= first):
            raise ReorgDetectedError(f"Chain {self.chain_id} moved while its heads were read.")

    def _put_blocks(self, cursor: psycopg.Cursor[Any], blocks: Sequence[BlockRef]) -> None:
        rows = [(self.chain_id, b.number, b.hash, b.parent_hash, b.timestamp) for b in blocks]
        cursor.executemany(_PUT_BLOCK, rows)

    def _move(self, cursor: psycopg.Cursor[Any], tip: BlockRef, to: BlockRef) -> None:
        cursor.execute(_MOVE, (to.number, to.hash, self.chain_id, tip.number, tip.hash))
        if cursor.rowcount != 1:
            raise LaneFencedError(
                f"Another indexer writes to this database: block {tip.number} of chain {self.chain_id} is no longer"
                " its head. Let only one run."
            )
