"""Batches, their receipts, charges, sums and findings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.parameters import LARGEST_ID
from api.reading import Reading

_BATCHES = """
    SELECT * FROM batches
    WHERE (batch_id, fill) {past} (:batch_id, :fill)
      AND (CAST(:operator AS bytea) IS NULL OR operator = :operator)
      AND (CAST(:lane AS integer) IS NULL OR lane = :lane)
      AND (CAST(:status AS text) IS NULL OR status = :status)
      AND (CAST(:verdict AS text) IS NULL OR verdict = :verdict)
    ORDER BY batch_id {order}, fill {order} LIMIT :limit
"""
_RISING, _FALLING = (text(_BATCHES.format(past=past, order=order)) for past, order in ((">", "ASC"), ("<", "DESC")))

_FILLS = text("SELECT * FROM batches WHERE batch_id = :batch_id ORDER BY fill DESC")

_FINDINGS = text("""
    SELECT fill, rule, voids, challenge, evidence, block_number FROM findings
    WHERE batch_id = :batch_id ORDER BY fill, block_number, log_index, ordinal LIMIT 500
""")

_CHARGES = text(
    "SELECT position, payer, amount_units FROM charges WHERE batch_id = :batch_id AND fill = :fill ORDER BY position"
)

_SUMS = text("""
    SELECT asset_id, asset_version, dataset_id, dataset_version, weighted_fee_units, receipts FROM batch_sums
    WHERE batch_id = :batch_id AND fill = :fill ORDER BY asset_id, asset_version, dataset_id, dataset_version
""")

_POSTS = text("""
    SELECT chain_id, block_number, l1_time, tx_hash FROM posts WHERE post_hash = :post_hash
    ORDER BY block_number DESC, log_index DESC LIMIT 1
""")

_RECEIPTS = text("""
    SELECT r.*, s.asset_ids, s.ppms FROM receipts r
    LEFT JOIN attribution_sets s
      ON s.batch_id = r.batch_id AND s.fill = r.fill AND s.set_position = r.set_position AND r.set_position > 0
    WHERE r.batch_id = :batch_id AND r.fill = :fill AND r.position > :after
    ORDER BY r.position LIMIT :limit
""")

_BY_DIGEST = text("SELECT batch_id, fill, position FROM receipts WHERE digest31 = :digest31 ORDER BY batch_id, fill")

# A lane is gapless, so one batch holds a seq; after a refill, its newest filling.
_BY_SEQ = text("""
    SELECT r.batch_id, r.fill, r.position FROM batches b JOIN receipts r USING (batch_id, fill)
    WHERE b.operator = :operator AND b.lane = :lane AND b.first_seq <= :seq AND b.first_seq + b.count > :seq
      AND r.seq = :seq
    ORDER BY r.batch_id DESC, r.fill DESC LIMIT 1
""")

_ISSUED = text("""
    SELECT operator, lane, seq, payer, asset_id, digest, fee_units, input_units, output_units, started_at,
           attribution_set
    FROM issued_receipts WHERE operator = :operator AND lane = :lane AND seq = :seq
""")


def batches(
    reading: Reading, *, past: tuple[int, int] | None, rising: bool, limit: int, **only: int | str | bytes | None
) -> list[Row[Any]]:
    """Batches by id and fill, past this (batch id, fill).

    `only`: those with this `operator`, `lane`, `status` or `verdict`; None for any.
    """
    batch_id, fill = past or ((-1, 0) if rising else (LARGEST_ID, 0))
    place = {"batch_id": batch_id, "fill": fill, "limit": limit}
    given = dict.fromkeys(("operator", "lane", "status", "verdict")) | only | place
    return list(reading.session.execute(_RISING if rising else _FALLING, given))


def fills(reading: Reading, batch_id: int) -> list[Row[Any]]:
    """Every filling of a batch, the newest first."""
    return list(reading.session.execute(_FILLS, {"batch_id": batch_id}))


def findings(reading: Reading, batch_id: int) -> list[Row[Any]]:
    """Rules that a batch broke."""
    return list(reading.session.execute(_FINDINGS, {"batch_id": batch_id}))


def charges(reading: Reading, batch_id: int, fill: int) -> list[Row[Any]]:
    """What each payer was charged."""
    return list(reading.session.execute(_CHARGES, {"batch_id": batch_id, "fill": fill}))


def sums(reading: Reading, batch_id: int, fill: int) -> list[Row[Any]]:
    """Weighted fees by asset version and dataset version."""
    return list(reading.session.execute(_SUMS, {"batch_id": batch_id, "fill": fill}))


def post(reading: Reading, post_hash: bytes) -> Row[Any] | None:
    """Where on L1 the blobs were posted last."""
    return reading.session.execute(_POSTS, {"post_hash": post_hash}).first()


def receipts(reading: Reading, batch_id: int, fill: int, after: int, limit: int) -> list[Row[Any]]:
    """Receipts of a filling by rising position, with their attribution sets."""
    given = {"batch_id": batch_id, "fill": fill, "after": after, "limit": limit}
    return list(reading.session.execute(_RECEIPTS, given))


def places_of_digest(reading: Reading, digest31: bytes) -> list[Row[Any]]:
    """Where a digest stands; more than once only if an operator posted it twice."""
    return list(reading.session.execute(_BY_DIGEST, {"digest31": digest31}))


def place_of_seq(reading: Reading, operator: bytes, lane: int, seq: int) -> Row[Any] | None:
    """Where a lane's receipt stands."""
    return reading.session.execute(_BY_SEQ, {"operator": operator, "lane": lane, "seq": seq}).first()


def issued(reading: Reading, operator: bytes, lane: int, seq: int) -> Row[Any] | None:
    """A receipt that a gateway on this database has issued and nobody has posted yet."""
    return reading.session.execute(_ISSUED, {"operator": operator, "lane": lane, "seq": seq}).first()
