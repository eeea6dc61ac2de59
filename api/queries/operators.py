"""Operators: volume, prices, lanes, bonds and what was found against them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, Row, bindparam, text

from api.reading import Reading

# An operator is whoever published a price, registered a key, put up a bond or committed a batch.
_OPERATORS = text("""
    SELECT operator FROM (
        SELECT DISTINCT operator FROM prices WHERE operator > :after
        UNION SELECT DISTINCT operator FROM lane_keys WHERE operator > :after
        UNION SELECT DISTINCT operator FROM batches WHERE operator > :after
        UNION SELECT DISTINCT holder FROM movements WHERE bucket = 'bonds' AND holder > :after
    ) AS known ORDER BY operator LIMIT :limit
""")

# Every operator is ranked, so the cost follows the batches; there are as many operators as put up a bond or a price.
_RANKED = """
    SELECT k.operator, coalesce(v.figure, 0) AS figure FROM (
        SELECT DISTINCT operator FROM prices
        UNION SELECT DISTINCT operator FROM lane_keys
        UNION SELECT DISTINCT operator FROM batches
        UNION SELECT DISTINCT holder FROM movements WHERE bucket = 'bonds'
    ) AS k LEFT JOIN (SELECT operator, {figure} AS figure FROM batches GROUP BY operator) v USING (operator)
    WHERE CAST(:figure AS numeric) IS NULL OR (coalesce(v.figure, 0), k.operator) < (:figure, :operator)
    ORDER BY figure DESC, k.operator DESC LIMIT :limit
"""
_RANKED_BY = {
    name: text(_RANKED.format(figure=figure)).bindparams(bindparam("figure", type_=Numeric))
    for name, figure in {
        "settled_fees": "sum(total_fee_units) FILTER (WHERE status = 'finalized')",
        "open_fees": "sum(total_fee_units) FILTER (WHERE status = 'open')",
        "receipts": "sum(count) FILTER (WHERE verdict = 'valid')",
    }.items()
}

_VOLUME = text("""
    SELECT operator,
           coalesce(sum(total_fee_units) FILTER (WHERE finalized_block_number <= :finalized), 0) AS settled_finalized,
           coalesce(sum(total_fee_units) FILTER (WHERE finalized_block_number <= :safe), 0) AS settled_safe,
           coalesce(sum(total_fee_units) FILTER (WHERE status = 'finalized'), 0) AS settled_unsafe,
           coalesce(sum(total_fee_units) FILTER (WHERE status = 'open'), 0) AS open_units,
           count(*) FILTER (WHERE status = 'open') AS open,
           count(*) FILTER (WHERE status = 'finalized') AS finalized,
           count(*) FILTER (WHERE status = 'voided') AS voided,
           coalesce(sum(count) FILTER (WHERE verdict = 'valid'), 0) AS receipts,
           coalesce(max(first_committed_at), 0) AS last_committed_at
    FROM batches WHERE operator = ANY(:operators) GROUP BY operator
""")

_FINDINGS = text("""
    SELECT b.operator, count(*) AS times FROM findings f JOIN batches b USING (batch_id, fill)
    WHERE b.operator = ANY(:operators) GROUP BY b.operator
""")

_HELD = text("""
    SELECT bucket,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :finalized), 0) AS finalized,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :safe), 0) AS safe,
           sum(amount_units) AS unsafe
    FROM movements WHERE holder = :operator AND bucket IN ('bonds', 'operator_deposits') GROUP BY bucket
""")

_SLASHED = text("""
    SELECT -coalesce(sum(amount_units), 0) AS units FROM movements m
    WHERE m.holder = :operator AND m.bucket = 'bonds' AND m.amount_units < 0 AND m.batch_id IS NOT NULL
""")

_LANES = text("""
    SELECT lane, max(first_seq + count) AS next_seq, count(*) AS batches FROM batches
    WHERE operator = :operator GROUP BY lane ORDER BY lane
""")

_KEYS = text("""
    SELECT lane, key, added_at, revoked_at, block_number FROM lane_keys
    WHERE operator = :operator ORDER BY lane, block_number, log_index
""")

_HAS_PRICE = text("SELECT EXISTS (SELECT FROM prices WHERE operator = :operator)")

_PRICES = text("""
    SELECT asset_id, input_price_units, output_price_units, effective_at, block_number, log_index,
           effective_at <= :now AND NOT EXISTS (
               SELECT FROM prices n
               WHERE n.operator = p.operator AND n.asset_id = p.asset_id AND n.effective_at <= :now
               AND (n.effective_at, n.block_number, n.log_index) > (p.effective_at, p.block_number, p.log_index)
           ) AS in_force
    FROM prices p
    WHERE operator = :operator AND asset_id >= :asset_id
    AND (asset_id > :asset_id OR (effective_at, block_number, log_index) < (:effective_at, :block_number, :log_index))
    ORDER BY asset_id, effective_at DESC, block_number DESC, log_index DESC LIMIT :limit
""")

PricePlace = tuple[int, int, int, int]
"""(asset_id, effective_at, block_number, log_index)"""
BEFORE_ALL_PRICES: PricePlace = (-1, 0, 0, 0)


def operators(reading: Reading, after: bytes, limit: int) -> list[bytes]:
    """Operators by rising address."""
    return [bytes(row.operator) for row in reading.session.execute(_OPERATORS, {"after": after, "limit": limit})]


def ranked(reading: Reading, by: str, after: tuple[int, bytes] | None, limit: int) -> list[tuple[int, bytes]]:
    """(figure, operator), the largest figure first, after that place."""
    figure, operator = (None, b"") if after is None else (Decimal(after[0]), after[1])
    given = {"figure": figure, "operator": operator, "limit": limit}
    return [(int(row.figure), bytes(row.operator)) for row in reading.session.execute(_RANKED_BY[by], given)]


def volumes(reading: Reading, who: list[bytes]) -> dict[bytes, Row[Any]]:
    """Fees and batches of operators that committed any."""
    tiers = reading.tiers
    given = {"operators": who, "finalized": tiers["finalized"], "safe": tiers["safe"]}
    return {bytes(row.operator): row for row in reading.session.execute(_VOLUME, given)}


def finding_counts(reading: Reading, who: list[bytes]) -> dict[bytes, int]:
    """Findings against operators that have any."""
    return {bytes(row.operator): row.times for row in reading.session.execute(_FINDINGS, {"operators": who})}


def held(reading: Reading, operator: bytes) -> dict[str, Row[Any]]:
    """Bond and own deposit, by tier."""
    tiers = reading.tiers
    given = {"operator": operator, "finalized": tiers["finalized"], "safe": tiers["safe"]}
    return {row.bucket: row for row in reading.session.execute(_HELD, given)}


def slashed_units(reading: Reading, operator: bytes) -> int:
    """What was taken from its bond so far."""
    return int(reading.session.execute(_SLASHED, {"operator": operator}).scalar_one())


def lanes(reading: Reading, operator: bytes) -> list[Row[Any]]:
    """Lanes with what they reached."""
    return list(reading.session.execute(_LANES, {"operator": operator}))


def keys(reading: Reading, operator: bytes) -> list[Row[Any]]:
    """Every key that signs or signed for a lane."""
    return list(reading.session.execute(_KEYS, {"operator": operator}))


def has_price(reading: Reading, operator: bytes) -> bool:
    """Whether it ever published one."""
    return bool(reading.session.execute(_HAS_PRICE, {"operator": operator}).scalar_one())


def prices(reading: Reading, operator: bytes, after: PricePlace, limit: int) -> list[Row[Any]]:
    """Published prices by rising asset, newest first for each, behind that place; `in_force` at the newest block's time."""
    place = dict(zip(("asset_id", "effective_at", "block_number", "log_index"), after, strict=True))
    given = {"operator": operator, "now": reading.l2.unsafe.timestamp, "limit": limit} | place
    return list(reading.session.execute(_PRICES, given))
