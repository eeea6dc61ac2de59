"""What the verifier reads and writes: work lists, blobs had, and the verdict on a batch with all that follows from it.

A verdict is written by compare-and-set on the batch's row: a batch that a reorg took meanwhile, or that another verifier
was faster with, is left alone.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import sql

from indexer.connection import ConnectedStore
from indexer.verification.batch import CommittedBatch, Place
from indexer.verification.binary_copy import HEADER, TRAILER
from indexer.verification.records import RECEIPT_FIELDS, SET_COLUMNS, receipt_records, set_records
from indexer.verification.rules_query import load_rulebook
from ledger.chain.blocks import BlockRef
from ledger.db.models.indexer_receipts import RECEIPT_PARTITION_BATCHES, RECEIPT_PARTITION_PREFIX
from ledger.protocol.batch import BatchHeader, Charge, post_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from indexer.verification.blob_source import CheckedBlob
    from indexer.verification.judge import Contents, Verdict
    from ledger.protocol.judging.rulebook import Rulebook

_DUE = """
SELECT post_hash, versioned_hashes, attempts FROM blob_fetches
WHERE next_attempt_at <= %s ORDER BY next_attempt_at, post_hash LIMIT %s
"""
_POSTED_IN = """
SELECT block_number, block_hash, l1_time FROM posts WHERE post_hash = %s ORDER BY block_number DESC
"""
_HELD_UNDER = """
SELECT DISTINCT d.data_commitment FROM data_commitments d JOIN batches b USING (batch_id) WHERE b.post_hash = %s
"""
_UNWANTED = """
DELETE FROM blob_fetches f WHERE post_hash = %s
AND NOT EXISTS (SELECT FROM posts p WHERE p.post_hash = f.post_hash)
AND NOT EXISTS (SELECT FROM batches b WHERE b.post_hash = f.post_hash AND b.verdict = 'pending')
"""
_READY = """
SELECT batch_id, fill FROM batches b WHERE verdict = 'pending' AND NOT EXISTS (
    SELECT FROM unnest(versioned_hashes) AS wanted (hash)
    WHERE NOT EXISTS (SELECT FROM blobs WHERE versioned_hash = wanted.hash))
ORDER BY batch_id, fill LIMIT %s
"""
_BATCH = """
SELECT chain_id, block_number, block_hash, log_index, operator, lane, first_seq, count, payer_count, set_fe_count,
       total_fee_units, blob_count, base_time, attribution_method, attribution_params_hash, versioned_hashes,
       batch_commitment, terms_from, first_committed_at
FROM batches WHERE (batch_id, fill) = (%s, %s) AND verdict = 'pending'
"""
_CHARGES = "SELECT payer, amount_units FROM charges WHERE (batch_id, fill) = (%s, %s) ORDER BY position"
_DECIDE = """
UPDATE batches SET verdict = %s
WHERE (batch_id, fill, block_hash, log_index) = (%s, %s, %s, %s) AND verdict = 'pending'
"""
_FINDING = """
INSERT INTO findings (chain_id, block_number, block_hash, log_index, ordinal, batch_id, fill, rule, voids, challenge, evidence)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


class DuePost(NamedTuple):
    """A post whose blobs are due to be asked for."""

    post_hash: bytes
    versioned_hashes: tuple[bytes, ...]
    attempts: int


class VerificationStore(ConnectedStore):
    """The verifier's side of the database. Not thread-safe."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url, "tributary-index-verify")

    def due_posts(self, now: int, limit: int) -> list[DuePost]:
        """Posts to be asked for, those that wait longest first."""
        with self.transaction() as cursor:
            rows = cursor.execute(_DUE, (now, limit)).fetchall()
        return [DuePost(post, tuple(hashes), attempts) for post, hashes, attempts in rows]

    def posted_in(self, post_hash: bytes) -> list[BlockRef]:
        """The L1 blocks with this post, newest first."""
        with self.transaction() as cursor:
            rows = cursor.execute(_POSTED_IN, (post_hash,)).fetchall()
        return [BlockRef(number, block_hash, b"", l1_time) for number, block_hash, l1_time in rows]

    def held_under(self, post_hash: bytes) -> list[bytes]:
        """The commitments under which another layer is said to hold the blobs of this post."""
        with self.transaction() as cursor:
            return [bytes(row[0]) for row in cursor.execute(_HELD_UNDER, (post_hash,)).fetchall()]

    def fetched(self, post_hash: bytes, blobs: Sequence[CheckedBlob]) -> None:
        """The post's blobs are in the archive."""
        with self.transaction() as cursor:
            cursor.executemany(
                "INSERT INTO blobs (versioned_hash, kzg_commitment) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                [(b.versioned_hash, b.kzg_commitment) for b in blobs],
            )
            cursor.execute("DELETE FROM blob_fetches WHERE post_hash = %s", (post_hash,))

    def lost(self, versioned_hashes: Sequence[bytes], blob_hash: bytes) -> None:
        """A blob of this post was in the archive and is no longer: fetch it again."""
        with self.transaction() as cursor:
            cursor.execute("DELETE FROM blobs WHERE versioned_hash = %s", (blob_hash,))
            cursor.execute(
                "INSERT INTO blob_fetches (post_hash, versioned_hashes, attempts, next_attempt_at, last_error)"
                " VALUES (%s, %s, 0, 0, 'lost from the archive') ON CONFLICT DO NOTHING",
                (post_hash(versioned_hashes), list(versioned_hashes)),
            )

    def missed(self, post: DuePost, next_attempt_at: int, reason: str) -> None:
        """The post's blobs could not be had; asked for again later, unless a reorg took all that spoke of them."""
        with self.transaction() as cursor:
            cursor.execute(
                "UPDATE blob_fetches SET (attempts, next_attempt_at, last_error) = (%s, %s, %s) WHERE post_hash = %s",
                (post.attempts + 1, next_attempt_at, reason, post.post_hash),
            )
            cursor.execute(_UNWANTED, (post.post_hash,))

    def ready_batches(self, limit: int) -> list[CommittedBatch]:
        """Undecided batches all of whose blobs are in the archive, oldest first."""
        with self.transaction() as cursor:
            keys = cursor.execute(_READY, (limit,)).fetchall()
            return [batch for key in keys if (batch := _load(cursor, *key)) is not None]

    def rulebook(self, batch: CommittedBatch, asset_ids: Sequence[int]) -> Rulebook:
        """The rules for these assets as of the batch's place."""
        with self.transaction() as cursor:
            return load_rulebook(cursor, batch.header.operator, asset_ids, batch.place)

    def decide(self, batch: CommittedBatch, verdict: Verdict) -> bool:
        """Write the verdict and, if the batch counts, its receipts, sets and sums; False if it was not ours to write."""
        word = "invalid" if verdict.contents is None else "valid"
        place = batch.place
        with self.transaction() as cursor:
            cursor.execute(_DECIDE, (word, batch.batch_id, batch.fill, place.block_hash, place.log_index))
            if cursor.rowcount != 1:
                return False
            _write_findings(cursor, batch, verdict)
            if verdict.contents is not None:
                _write_contents(cursor, batch, verdict.contents)
        return True

    def ask_again(self) -> None:
        """Every missing blob is due now."""
        with self.transaction() as cursor:
            cursor.execute("UPDATE blob_fetches SET next_attempt_at = 0 WHERE next_attempt_at > 0")

    def pending(self) -> int:
        """Batches without a verdict."""
        with self.transaction() as cursor:
            row = cursor.execute("SELECT count(*) FROM batches WHERE verdict = 'pending'").fetchone()
        return 0 if row is None else int(row[0])


def _load(cursor: psycopg.Cursor[Any], batch_id: int, fill: int) -> CommittedBatch | None:
    row = cursor.execute(_BATCH, (batch_id, fill)).fetchone()
    if row is None:
        return None
    charges = cursor.execute(_CHARGES, (batch_id, fill)).fetchall()
    header = list(row[4:15])
    header[6] = int(header[6])
    return CommittedBatch(
        batch_id=batch_id,
        fill=fill,
        place=Place(*row[:4]),
        header=BatchHeader(*header),
        charges=tuple(Charge(payer, int(amount)) for payer, amount in charges),
        versioned_hashes=tuple(row[15]),
        batch_commitment=row[16],
        terms_from=row[17],
        first_committed_at=row[18],
    )


def _write_findings(cursor: psycopg.Cursor[Any], batch: CommittedBatch, verdict: Verdict) -> None:
    place = batch.place
    where = (place.chain_id, place.block_number, place.block_hash, place.log_index)
    # Behind whatever was found when the event itself was read.
    row = cursor.execute(
        "SELECT count(*) FROM findings WHERE (chain_id, block_hash, log_index) = (%s, %s, %s)",
        (place.chain_id, place.block_hash, place.log_index),
    ).fetchone()
    first = 0 if row is None else row[0]
    rows = [
        (*where, first + i, batch.batch_id, batch.fill, f.rule, f.voids, f.challenge, json.dumps(f.evidence))
        for i, f in enumerate(verdict.findings)
    ]
    cursor.executemany(_FINDING, rows)


def _write_contents(cursor: psycopg.Cursor[Any], batch: CommittedBatch, contents: Contents) -> None:
    key = (batch.batch_id, batch.fill)
    _ensure_partition(cursor, batch.batch_id)
    _copy(cursor, "receipts", [f.name for f in RECEIPT_FIELDS], receipt_records(*key, contents))
    if len(contents.sets.positions):
        _copy(cursor, "attribution_sets", SET_COLUMNS, set_records(*key, contents.sets))
    with cursor.copy(
        "COPY batch_sums (batch_id, fill, asset_id, asset_version, dataset_id, dataset_version, weighted_fee_units,"
        " receipts) FROM STDIN"
    ) as copy:
        for row in contents.sums:
            copy.write_row((*key, *row))


def _copy(cursor: psycopg.Cursor[Any], table: str, columns: Sequence[str], rows: bytes) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with cursor.copy(statement) as copy:
        copy.write(HEADER)
        copy.write(rows)
        copy.write(TRAILER)


def _ensure_partition(cursor: psycopg.Cursor[Any], batch_id: int) -> None:
    """Make the partition that the batch's receipts belong to, unless it is there."""
    first = batch_id - batch_id % RECEIPT_PARTITION_BATCHES
    name = f"{RECEIPT_PARTITION_PREFIX}{first}"
    there = cursor.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
    if there is None or not there[0]:
        cursor.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF receipts FOR VALUES FROM ({}) TO ({})").format(
                sql.Identifier(name), first, first + RECEIPT_PARTITION_BATCHES
            )
        )
