"""What payees earn, exactly, from per-batch sums; what was published for them and paid.

`source` rows say where a numerator (over 10^30) comes from: the share of the protocol, of an operator, of a served
asset's effective shares (`royalty`), or of a dataset that receipts drew on (`data`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, Row, bindparam, text

from api.reading import Reading
from ledger.db.entitlement_rule import FROM_THE_FIRST, with_rule

# One row for each source, batch state and day of one payee.
_EARNINGS = with_rule("""
    WITH {earned}
    SELECT c.source, c.asset_id, CASE WHEN c.source IN ('royalty', 'data') THEN c.dataset_id ELSE 0 END AS dataset_id,
           c.list_id,
           CAST(to_timestamp(b.first_committed_at) AT TIME ZONE 'UTC' AS date) AS day,
           sum(c.numerator) FILTER (WHERE b.finalized_block_number <= :finalized) AS settled_finalized,
           sum(c.numerator) FILTER (WHERE b.finalized_block_number <= :safe) AS settled_safe,
           sum(c.numerator) FILTER (WHERE b.finalized_block_number <= :unsafe) AS settled_unsafe,
           sum(c.numerator) FILTER (WHERE b.block_number <= :finalized
               AND coalesce(b.finalized_block_number, b.voided_block_number, :unsafe + 1) > :finalized) AS open_finalized,
           sum(c.numerator) FILTER (WHERE b.block_number <= :safe
               AND coalesce(b.finalized_block_number, b.voided_block_number, :unsafe + 1) > :safe) AS open_safe,
           sum(c.numerator) FILTER (WHERE b.status = 'open') AS open_unsafe
    FROM earned c JOIN batches b USING (batch_id, fill)
    WHERE b.first_committed_at >= :since AND b.first_committed_at < :until
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 5, 1, 2, 3, 4
""")

# Everybody's earnings through a block, a page of payees at a time.
_PAYEES = with_rule("""
    WITH {owed}
    SELECT payee, numerator FROM owed ORDER BY payee LIMIT :limit
""")

# The same, the most earned first.
_RANKED = with_rule("""
    WITH {owed}
    SELECT payee, numerator FROM owed
    WHERE CAST(:most AS numeric) IS NULL OR (numerator, payee) < (CAST(:most AS numeric), CAST(:least AS bytea))
    ORDER BY numerator DESC, payee DESC LIMIT :limit
""").bindparams(bindparam("most", type_=Numeric))

# What counts through a block hangs on these alone: which batches are final, which of them are still unread, and which
# contributor lists are complete. Batches are final for ever, and their terms and shares are frozen.
_COUNTED_STATE = text("""
    SELECT (SELECT max(finalized_block_number) FROM batches WHERE finalized_block_number <= :through) AS newest,
           (SELECT array_agg((batch_id, fill)::text ORDER BY batch_id, fill) FROM batches WHERE verdict = 'pending')
               AS unread,
           (SELECT count(completed_block_number) FROM contributor_lists) AS lists,
           (SELECT deployment_hash FROM deployments) AS deployment
""")

_PAID_TO = text("""
    SELECT payee, sum(amount_units) AS units FROM claims
    WHERE payee = ANY(CAST(:payees AS bytea[])) AND block_number <= :through GROUP BY payee
""")

_PAID = text("""
    SELECT coalesce(sum(amount_units) FILTER (WHERE block_number <= :finalized), 0) AS finalized,
           coalesce(sum(amount_units) FILTER (WHERE block_number <= :safe), 0) AS safe,
           coalesce(sum(amount_units), 0) AS unsafe
    FROM claims WHERE payee = :payee
""")

# What standing roots say of a payee, newest first, where the distribution is on record here.
_PUBLISHED = text("""
    SELECT r.root_index, r.activates_at, r.block_number, r.through_l2_block, d.distribution_id,
           e.cumulative_units, e.numerator, e.leaf_position, r.activates_at <= :now AS active
    FROM distribution_roots r
    LEFT JOIN LATERAL (
        SELECT distribution_id FROM distributions
        WHERE root_index = r.root_index AND root = r.root AND data_hash = r.data_hash
        ORDER BY distribution_id DESC LIMIT 1
    ) d ON true
    LEFT JOIN entitlements e ON e.distribution_id = d.distribution_id AND e.payee = :payee
    WHERE r.disabled_block_number IS NULL
    ORDER BY r.root_index DESC LIMIT 20
""")

_RECIPIENT = text("""
    SELECT recipient, block_number FROM recipients WHERE payee = :payee
    ORDER BY block_number DESC, log_index DESC LIMIT 1
""")

_CLAIMS = text("""
    SELECT c.root_index, c.amount_units, c.cumulative_units, c.recipient, c.tx_hash, c.block_number, c.log_index,
           e.timestamp AS at
    FROM claims c JOIN events e USING (chain_id, block_hash, log_index)
    WHERE c.payee = :payee AND (c.block_number, c.log_index) < (:block_number, :log_index)
    ORDER BY c.block_number DESC, c.log_index DESC LIMIT :limit
""")

_CLAIMS_UNTIL = text("""
    SELECT c.root_index, c.amount_units, c.cumulative_units, c.recipient, c.tx_hash, c.block_number, e.timestamp AS at
    FROM claims c JOIN events e USING (chain_id, block_hash, log_index)
    WHERE c.payee = :payee AND e.timestamp < :until AND c.block_number <= :through
    ORDER BY c.block_number, c.log_index
""")

_SKIPPED = text("""
    SELECT k.root_index, k.reason, k.block_number, e.timestamp AS at
    FROM skipped_claims k JOIN events e USING (chain_id, block_hash, log_index)
    WHERE k.payee = :payee ORDER BY k.block_number DESC, k.log_index DESC LIMIT 20
""")

# One node of 32 bytes for each position, cut out of the stored tree in place.
_NODES = text("""
    SELECT place, substring(nodes FROM CAST(place * 32 + 1 AS integer) FOR 32) AS node
    FROM distribution_trees, unnest(CAST(:places AS bigint[])) AS place
    WHERE distribution_id = :distribution_id
""")


def earnings(reading: Reading, payee: bytes, since: int, until: int) -> list[Row[Any]]:
    """Numerators by source, asset and day, for batches first committed in [since, until)."""
    given = _rule(reading) | reading.tiers | {"payee": payee, "since": since, "until": until}
    return list(reading.session.execute(_EARNINGS, given))


def payees(reading: Reading, through: int, after: bytes, limit: int) -> list[Row[Any]]:
    """Payees by rising address after `after`, with all that they earned through an L2 block."""
    given = _rule(reading) | {"through": through, "after": after, "limit": limit}
    return list(reading.session.execute(_PAYEES, given))


def ranked_payees(reading: Reading, through: int, after: tuple[int, bytes] | None, limit: int) -> list[Row[Any]]:
    """As `payees`, by falling numerator after the place (numerator, payee)."""
    most, least = (None, b"") if after is None else (Decimal(after[0]), after[1])
    given = _rule(reading) | {"through": through, "after": FROM_THE_FIRST, "most": most, "least": least, "limit": limit}
    return list(reading.session.execute(_RANKED, given))


def counted_state(reading: Reading, through: int) -> tuple[object, ...]:
    """Equal states give everybody equal earnings through an L2 block."""
    row = reading.session.execute(_COUNTED_STATE, {"through": through}).one()
    return row.newest, tuple(row.unread or ()), row.lists, bytes(row.deployment)


def paid_to(reading: Reading, payees: list[bytes], through: int) -> dict[bytes, int]:
    """Units paid through an L2 block, to those of these payees that were paid any."""
    rows = reading.session.execute(_PAID_TO, {"payees": payees, "through": through})
    return {bytes(row.payee): int(row.units) for row in rows}


def _rule(reading: Reading) -> dict[str, Any]:
    return {"protocol_payee": reading.facts.protocol_payee, "protocol_ppm": reading.facts.protocol_ppm}


def paid(reading: Reading, payee: bytes) -> Row[Any]:
    """Units paid to a payee, by tier."""
    tiers = reading.tiers
    given = {"payee": payee, "finalized": tiers["finalized"], "safe": tiers["safe"]}
    return reading.session.execute(_PAID, given).one()


def published(reading: Reading, payee: bytes) -> list[Row[Any]]:
    """What the newest standing roots say of a payee; amounts are NULL where the distribution isn't on record."""
    given = {"payee": payee, "now": reading.l2.unsafe.timestamp}
    return list(reading.session.execute(_PUBLISHED, given))


def recipient(reading: Reading, payee: bytes) -> Row[Any] | None:
    """Where the payee wants to be paid, if it ever said so."""
    return reading.session.execute(_RECIPIENT, {"payee": payee}).first()


def claims(reading: Reading, payee: bytes, before: tuple[int, int], limit: int) -> list[Row[Any]]:
    """Payments to a payee, newest first, before (block number, log index)."""
    given = {"payee": payee, "block_number": before[0], "log_index": before[1], "limit": limit}
    return list(reading.session.execute(_CLAIMS, given))


def claims_until(reading: Reading, payee: bytes, until: int, through: int) -> list[Row[Any]]:
    """Payments to a payee before a second, in L2 blocks through `through`, oldest first."""
    given = {"payee": payee, "until": until, "through": through}
    return list(reading.session.execute(_CLAIMS_UNTIL, given))


def skipped(reading: Reading, payee: bytes) -> list[Row[Any]]:
    """The newest pushed claims of a payee that the contract could not pay."""
    return list(reading.session.execute(_SKIPPED, {"payee": payee}))


def tree_nodes(reading: Reading, distribution_id: int, places: list[int]) -> dict[int, bytes]:
    """Nodes of a distribution's tree by position."""
    given = {"distribution_id": distribution_id, "places": places}
    return {row.place: bytes(row.node) for row in reading.session.execute(_NODES, given)}
