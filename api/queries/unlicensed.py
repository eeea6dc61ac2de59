"""Uses of a dataset without a licence, as gateways on this database noted them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.reading import Reading

_USES = text("""
    SELECT u.request_id, u.position, u.asset_id, u.path, u.byte_offset, u.words, u.millibits, u.noted_at,
           CAST(extract(epoch FROM u.noted_at) * 1000000 AS bigint) AS noted,
           r.operator, r.lane, r.seq, r.digest
    FROM unlicensed_uses u JOIN issued_receipts r USING (request_id)
    WHERE u.dataset_id = :dataset_id
      AND (CAST(extract(epoch FROM u.noted_at) * 1000000 AS bigint), r.lane, r.seq, u.position)
          < (:noted, :lane, :seq, :position)
    ORDER BY noted DESC, r.lane DESC, r.seq DESC, u.position DESC LIMIT :limit
""")


def uses(reading: Reading, dataset_id: int, before: tuple[int, int, int, int], limit: int) -> list[Row[Any]]:
    """Passages of a dataset in answers whose assets do not admit it, newest first, before (time, lane, seq, position)."""
    noted, lane, seq, position = before
    given = {
        "dataset_id": dataset_id, "noted": noted, "lane": lane, "seq": seq, "position": position, "limit": limit,
    }  # fmt: skip
    return list(reading.session.execute(_USES, given))
