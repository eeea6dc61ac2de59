"""Payers: accounts with operators, caps, debts, charges."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.parameters import LARGEST_ID
from api.reading import Reading

_BALANCES = text("""
    SELECT counterparty AS operator,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :finalized), 0) AS finalized,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :safe), 0) AS safe,
           sum(amount_units) AS unsafe,
           -coalesce(sum(amount_units) FILTER (WHERE batch_id IS NOT NULL), 0) AS taken_units
    FROM movements WHERE bucket = 'escrow' AND holder = :payer GROUP BY counterparty
    UNION ALL
    SELECT holder,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :finalized), 0),
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :safe), 0),
           sum(amount_units), 0
    FROM movements WHERE bucket = 'operator_deposits' AND holder = :payer GROUP BY holder
    ORDER BY operator
""")

_CAPS = text("""
    SELECT DISTINCT ON (operator) operator, cap_units, valid_until, effective_at, block_number FROM spending_caps
    WHERE payer = :payer AND effective_at <= :now
    ORDER BY operator, effective_at DESC, block_number DESC, log_index DESC
""")

_THAWS = text("""
    SELECT DISTINCT ON (operator) operator, amount_units, thaw_end, block_number FROM thaws
    WHERE payer = :payer ORDER BY operator, block_number DESC, log_index DESC
""")

_DEBTS = text("""
    SELECT operator, sum(amount_units) AS owed_units,
           -coalesce(sum(amount_units) FILTER (WHERE batch_id IS NULL), 0) AS collected_units
    FROM debts WHERE payer = :payer GROUP BY operator
""")

_CHARGED = text("""
    SELECT b.operator,
           coalesce(sum(c.amount_units) FILTER (WHERE b.finalized_block_number <= :finalized), 0) AS settled_finalized,
           coalesce(sum(c.amount_units) FILTER (WHERE b.finalized_block_number <= :safe), 0) AS settled_safe,
           coalesce(sum(c.amount_units) FILTER (WHERE b.status = 'finalized'), 0) AS settled_unsafe,
           coalesce(sum(c.amount_units) FILTER (WHERE b.status = 'open'), 0) AS open_units
    FROM charges c JOIN batches b USING (batch_id, fill) WHERE c.payer = :payer GROUP BY b.operator
""")

_CHARGES = """
    SELECT c.batch_id, c.fill, c.amount_units, b.operator, b.lane, b.status, b.committed_at, b.block_number
    FROM charges c JOIN batches b USING (batch_id, fill)
    WHERE c.payer = :payer AND (c.batch_id, c.fill) {past} (:batch_id, :fill)
    ORDER BY c.batch_id {order}, c.fill {order} LIMIT :limit
"""
_RISING, _FALLING = (text(_CHARGES.format(past=past, order=order)) for past, order in ((">", "ASC"), ("<", "DESC")))

# One payer's receipts of a batch stand side by side, so its page is a range of the primary key.
_RECEIPTS = text("""
    SELECT r.*, s.asset_ids, s.ppms FROM receipts r
    LEFT JOIN attribution_sets s
      ON s.batch_id = r.batch_id AND s.fill = r.fill AND s.set_position = r.set_position AND r.set_position > 0
    WHERE r.batch_id = :batch_id AND r.fill = :fill AND r.payer = :payer AND r.position > :after
    ORDER BY r.position LIMIT :limit
""")

# A batch's receipts begin at most a day before its first commit, or what the operator says of them is a fault.
_USAGE = text("""
    SELECT CAST(to_timestamp(r.started_at) AT TIME ZONE 'UTC' AS date) AS day, b.operator, r.asset_id,
           count(*) AS receipts, sum(r.input_units) AS input_units, sum(r.output_units) AS output_units,
           sum(r.fee_units) AS fee_units
    FROM charges c JOIN batches b USING (batch_id, fill) JOIN receipts r USING (batch_id, fill)
    WHERE c.payer = :payer AND r.payer = :payer AND b.status <> 'voided' AND b.verdict = 'valid'
      AND r.started_at >= :since AND r.started_at < :until
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")


def _tiers(reading: Reading) -> dict[str, int]:
    tiers = reading.tiers
    return {"finalized": tiers["finalized"], "safe": tiers["safe"]}


def balances(reading: Reading, payer: bytes) -> list[Row[Any]]:
    """What lies in each account, by tier; `taken_units` is what batches took from it."""
    return list(reading.session.execute(_BALANCES, {"payer": payer} | _tiers(reading)))


def caps(reading: Reading, payer: bytes) -> dict[bytes, Row[Any]]:
    """The cap in force with each operator."""
    rows = reading.session.execute(_CAPS, {"payer": payer, "now": reading.l2.unsafe.timestamp})
    return {bytes(row.operator): row for row in rows}


def thaws(reading: Reading, payer: bytes) -> dict[bytes, Row[Any]]:
    """The last word on withdrawals from each account."""
    return {bytes(row.operator): row for row in reading.session.execute(_THAWS, {"payer": payer})}


def debts(reading: Reading, payer: bytes) -> dict[bytes, Row[Any]]:
    """What operators paid for the payer and have not got back; and what was collected of it."""
    return {bytes(row.operator): row for row in reading.session.execute(_DEBTS, {"payer": payer})}


def charged(reading: Reading, payer: bytes) -> dict[bytes, Row[Any]]:
    """Charges by operator, in finalised and in open batches."""
    rows = reading.session.execute(_CHARGED, {"payer": payer} | _tiers(reading))
    return {bytes(row.operator): row for row in rows}


def charges(
    reading: Reading, payer: bytes, past: tuple[int, int] | None, limit: int, *, rising: bool
) -> list[Row[Any]]:
    """Charges by batch, past this (batch id, fill)."""
    batch_id, fill = past or ((-1, 0) if rising else (LARGEST_ID, 0))
    given = {"payer": payer, "batch_id": batch_id, "fill": fill, "limit": limit}
    return list(reading.session.execute(_RISING if rising else _FALLING, given))


def receipts(reading: Reading, payer: bytes, place: tuple[int, int, int], limit: int) -> list[Row[Any]]:
    """A payer's receipts of one batch after (batch id, fill, position)."""
    batch_id, fill, after = place
    given = {"payer": payer, "batch_id": batch_id, "fill": fill, "after": after, "limit": limit}
    return list(reading.session.execute(_RECEIPTS, given))


def usage(reading: Reading, payer: bytes, since: int, until: int) -> list[Row[Any]]:
    """Receipts of a payer begun in [since, until), added up by day, operator and asset."""
    return list(reading.session.execute(_USAGE, {"payer": payer, "since": since, "until": until}))
