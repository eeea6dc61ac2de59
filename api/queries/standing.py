"""How steadily operators commit, and what stands behind what they committed: bounded by time and by number of batches."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, text

from api.reading import Reading
from ledger.protocol.units import POST_DEADLINE_SECONDS

WINDOW_SECONDS: Final = 30 * 86_400
MOST_BATCHES: Final = 1_000
"""Commits of one operator that are looked at; where there are more, the window is shorter."""

# A commit a deadline before the window still bears on its beginning.
_COMMITS = text(f"""
    SELECT o.operator, c.times, c.late,
           EXISTS (SELECT FROM batches b WHERE b.operator = o.operator AND b.first_committed_at < :first) AS is_older
    FROM unnest(CAST(:operators AS bytea[])) AS o(operator), LATERAL (
        SELECT array_agg(first_committed_at ORDER BY first_committed_at) AS times,
               count(*) FILTER (WHERE first_committed_at >= :since
                                AND first_committed_at - base_time > {POST_DEADLINE_SECONDS}) AS late
        FROM (
            SELECT first_committed_at, base_time FROM batches b
            WHERE b.operator = o.operator AND b.first_committed_at >= :first AND b.fill = 0
            ORDER BY first_committed_at DESC LIMIT {MOST_BATCHES}
        ) newest
    ) c
""")  # noqa: S608  # two constants

_STAKES = text("""
    SELECT o.operator,
           (SELECT coalesce(sum(m.amount_units), 0) FROM movements m
            WHERE m.bucket = 'bonds' AND m.holder = o.operator) AS bond_units,
           coalesce(b.open_units, 0) AS open_units, coalesce(b.reserved_units, 0) AS reserved_units
    FROM unnest(CAST(:operators AS bytea[])) AS o(operator) LEFT JOIN (
        SELECT operator, sum(total_fee_units) AS open_units, sum(reserve_units) AS reserved_units
        FROM batches WHERE status = 'open' AND operator = ANY(:operators) GROUP BY operator
    ) b USING (operator)
""")


def commits(reading: Reading, who: list[bytes]) -> dict[bytes, Row[Any]]:
    """When operators first committed their newest batches (`times`, rising; None if never), and how many were `late`.

    `is_older` says whether there are batches before those looked at.
    """
    since = reading.l2.unsafe.timestamp - WINDOW_SECONDS
    given = {"operators": who, "since": since, "first": since - POST_DEADLINE_SECONDS}
    return {bytes(row.operator): row for row in reading.session.execute(_COMMITS, given)}


def stakes(reading: Reading, who: list[bytes]) -> dict[bytes, Row[Any]]:
    """Bond, reserve and fees of open batches at the newest block."""
    return {bytes(row.operator): row for row in reading.session.execute(_STAKES, {"operators": who})}
