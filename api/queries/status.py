"""How the index stands, and the double-entry book by bucket."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.reading import Reading

_BUCKETS = text("""
    SELECT bucket, contract,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :finalized), 0) AS finalized,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :safe), 0) AS safe,
           sum(amount_units) AS unsafe
    FROM movements GROUP BY bucket, contract ORDER BY bucket, contract
""")

_BATCHES = text("""
    SELECT count(*) FILTER (WHERE status = 'open') AS open,
           count(*) FILTER (WHERE status = 'finalized') AS finalized,
           count(*) FILTER (WHERE status = 'voided') AS voided,
           count(*) FILTER (WHERE verdict = 'pending') AS unread,
           count(*) FILTER (WHERE verdict = 'invalid') AS invalid,
           coalesce(sum(count) FILTER (WHERE verdict = 'valid'), 0) AS receipts
    FROM batches
""")

_CURSORS = text("SELECT chain_id, number, reorgs, deepest_reorg_blocks FROM cursors ORDER BY chain_id")

_MISSING_BLOBS = text("SELECT count(*) AS posts, max(attempts) AS attempts FROM blob_fetches")

_FINDINGS = text("SELECT rule, count(*) AS times FROM findings GROUP BY rule ORDER BY rule")


def bucket_sums(reading: Reading) -> list[Row[Any]]:
    """Sum of each bucket of each contract, by tier."""
    tiers = reading.tiers
    return list(reading.session.execute(_BUCKETS, {"finalized": tiers["finalized"], "safe": tiers["safe"]}))


def batch_counts(reading: Reading) -> Row[Any]:
    """Batches by status and verdict."""
    return reading.session.execute(_BATCHES).one()


def cursors(reading: Reading) -> list[Row[Any]]:
    """How often each chain was rolled back."""
    return list(reading.session.execute(_CURSORS))


def missing_blobs(reading: Reading) -> Row[Any]:
    """Posts whose blobs nobody has served yet."""
    return reading.session.execute(_MISSING_BLOBS).one()


def finding_counts(reading: Reading) -> list[Row[Any]]:
    """How often each rule was broken."""
    return list(reading.session.execute(_FINDINGS))
