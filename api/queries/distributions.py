"""Roots on chain, and what settlement keeps of them: states, files, entitlements, attesters' answers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.reading import Reading
from ledger.db.session import ReadSession

SLICE_BYTES = 1 << 20

_ROOTS = text("""
    SELECT r.*, e.timestamp AS submitted_at, d.distribution_id, d.state, d.reason, d.payees, d.fees_units,
           (SELECT coalesce(sum(c.amount_units), 0) FROM claims c WHERE c.root_index = r.root_index) AS paid_units,
           (SELECT count(*) FROM claims c WHERE c.root_index = r.root_index) AS claims
    FROM distribution_roots r
    JOIN events e USING (chain_id, block_hash, log_index)
    LEFT JOIN LATERAL (
        SELECT distribution_id, state, reason, payees, fees_units FROM distributions
        WHERE root_index = r.root_index AND root = r.root AND data_hash = r.data_hash
        ORDER BY distribution_id DESC LIMIT 1
    ) d ON true
    WHERE r.root_index < :before AND (CAST(:root_index AS bigint) IS NULL OR r.root_index = :root_index)
    ORDER BY r.root_index DESC LIMIT :limit
""")

# What settlement prepares, or had to give up before a root of it was on chain.
_PROPOSED = text("""
    SELECT distribution_id, root_index, root, total_cumulative_units, through_l2_block, through_l2_block_hash, data_hash,
           fees_units, payees, state, reason, computed_at
    FROM distributions d
    WHERE state IN ('computed', 'attested', 'refused')
      AND NOT EXISTS (SELECT FROM distribution_roots r WHERE r.root_index = d.root_index AND r.root = d.root)
    ORDER BY distribution_id DESC LIMIT 10
""")

_ANSWERS = text("""
    SELECT attester, signature IS NOT NULL AS signed, refusal FROM attestations
    WHERE distribution_id = :distribution_id ORDER BY attester
""")

_PAYEES = text("""
    SELECT payee, numerator, cumulative_units FROM entitlements
    WHERE distribution_id = :distribution_id AND payee > :after ORDER BY payee LIMIT :limit
""")

_FILE_SIZE = text("SELECT octet_length(content) FROM distribution_files WHERE data_hash = :data_hash")

_FILE_SLICE = text("""
    SELECT substring(content FROM CAST(:start AS integer) FOR CAST(:size AS integer)) FROM distribution_files
    WHERE data_hash = :data_hash
""")


def roots(reading: Reading, *, before: int, limit: int, root_index: int | None = None) -> list[Row[Any]]:
    """Submitted roots, newest first, with what is on record of them."""
    given = {"before": before, "limit": limit, "root_index": root_index}
    return list(reading.session.execute(_ROOTS, given))


def proposed(reading: Reading) -> list[Row[Any]]:
    """Distributions that are not on chain, newest first."""
    return list(reading.session.execute(_PROPOSED))


def answers(reading: Reading, distribution_id: int) -> list[Row[Any]]:
    """What attesters answered."""
    return list(reading.session.execute(_ANSWERS, {"distribution_id": distribution_id}))


def payees(reading: Reading, distribution_id: int, after: bytes, limit: int) -> list[Row[Any]]:
    """Lines of a distribution by rising payee."""
    given = {"distribution_id": distribution_id, "after": after, "limit": limit}
    return list(reading.session.execute(_PAYEES, given))


def file_size(reading: Reading, data_hash: bytes) -> int | None:
    """Bytes of a distribution file; None if it is not kept here."""
    return reading.session.execute(_FILE_SIZE, {"data_hash": data_hash}).scalar()


def file_slice(session: ReadSession, data_hash: bytes, start: int) -> bytes:
    """At most SLICE_BYTES of a file from `start`, so that a large one never stands in memory."""
    given = {"data_hash": data_hash, "start": start + 1, "size": SLICE_BYTES}
    return bytes(session.execute(_FILE_SLICE, given).scalar_one())
