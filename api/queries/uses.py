"""Receipts from which a payee earns: those of the operator, of assets that it has a share in, and drawn on its data."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.reading import Reading

# The newest batches first, and of those only as many as it takes: each holds at least the receipts of its largest sum.
_RECEIPTS = text("""
    WITH mine AS MATERIALIZED (
        SELECT asset_id, version FROM effective_shares WHERE payee = :payee
    ), touched AS MATERIALIZED (
        SELECT b.batch_id, b.fill, b.operator, held.receipts FROM batches b, LATERAL (
            SELECT max(s.receipts) AS receipts FROM batch_sums s WHERE s.batch_id = b.batch_id AND s.fill = b.fill
              AND (b.operator = :payee OR (s.asset_id, s.asset_version) IN (SELECT * FROM mine)
                   OR (s.dataset_id, s.dataset_version) IN (SELECT * FROM mine))) held
        WHERE (b.batch_id, b.fill) <= (:batch_id, :fill) AND held.receipts IS NOT NULL
        ORDER BY b.batch_id DESC, b.fill DESC LIMIT :limit
    ), counted AS (
        SELECT touched.*, sum(CASE WHEN (batch_id, fill) = (:batch_id, :fill) THEN 0 ELSE receipts END)
            OVER (ORDER BY batch_id DESC, fill DESC ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS newer FROM touched
    ), needed AS MATERIALIZED (
        SELECT batch_id, fill, operator FROM counted WHERE coalesce(newer, 0) < :limit
    )
    SELECT r.*, s.asset_ids, s.ppms FROM needed t
    JOIN LATERAL (
        SELECT r.* FROM receipts r
        WHERE r.batch_id = t.batch_id AND r.fill = t.fill
          AND (t.batch_id, t.fill, -r.position) < (:batch_id, :fill, -CAST(:position AS integer))
          AND (t.operator = :payee OR r.asset_id IN (
              SELECT s.asset_id FROM batch_sums s WHERE s.batch_id = t.batch_id AND s.fill = t.fill
                AND ((s.asset_id, s.asset_version) IN (SELECT * FROM mine)
                     OR (s.dataset_id, s.dataset_version) IN (SELECT * FROM mine))))
        ORDER BY r.position LIMIT :limit
    ) r ON true
    LEFT JOIN attribution_sets s
      ON s.batch_id = r.batch_id AND s.fill = r.fill AND s.set_position = r.set_position AND r.set_position > 0
    ORDER BY r.batch_id DESC, r.fill DESC, r.position LIMIT :limit
""")


def receipts(reading: Reading, payee: bytes, after: tuple[int, int, int], limit: int) -> list[Row[Any]]:
    """Receipts of a payee's assets, of the newest batch first, after (batch id, fill, position)."""
    given = {"payee": payee, "batch_id": after[0], "fill": after[1], "position": after[2], "limit": limit}
    return list(reading.session.execute(_RECEIPTS, given))
