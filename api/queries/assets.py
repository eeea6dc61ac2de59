"""Assets: what they are, whose, by which terms, and what they earned."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.parameters import LARGEST_ID
from api.reading import Reading
from ledger.db.entitlement_rule import with_rule

_ASSETS = """
    SELECT a.asset_id, a.kind, a.content_hash, a.registrant, a.uri, a.block_number, e.timestamp AS registered_at,
           o.owner, t.version, t.royalty_ppm, t.data_ppm, t.mode
    FROM assets a
    JOIN events e USING (chain_id, block_hash, log_index)
    JOIN LATERAL (
        SELECT owner FROM asset_owners WHERE asset_id = a.asset_id ORDER BY block_number DESC, log_index DESC LIMIT 1
    ) o ON true
    JOIN LATERAL (
        SELECT version, royalty_ppm, data_ppm, mode FROM terms WHERE asset_id = a.asset_id
        ORDER BY (effective_at <= :now OR version = 1) DESC, version DESC LIMIT 1
    ) t ON true
    WHERE a.asset_id {past} :after
      AND (CAST(:asset_id AS bigint) IS NULL OR a.asset_id = :asset_id)
      AND (CAST(:kind AS text) IS NULL OR a.kind = :kind)
      AND (CAST(:owner AS bytea) IS NULL OR o.owner = :owner)
      AND (CAST(:content_hash AS bytea) IS NULL OR a.content_hash = :content_hash)
    ORDER BY a.asset_id {order} LIMIT :limit
"""
_RISING, _FALLING = (text(_ASSETS.format(past=past, order=order)) for past, order in ((">", "ASC"), ("<", "DESC")))

_OWNERS = text("""
    SELECT o.owner, o.block_number, e.timestamp AS at FROM asset_owners o
    JOIN events e USING (chain_id, block_hash, log_index)
    WHERE o.asset_id = :asset_id ORDER BY o.block_number, o.log_index
""")

_TERMS = text("SELECT * FROM terms WHERE asset_id = :asset_id ORDER BY version")
_SPLITS = text("SELECT version, payee, ppm FROM splits WHERE asset_id = :asset_id ORDER BY version, position")
_PARENTS = text(
    "SELECT version, parent_asset_id, ppm FROM parents WHERE asset_id = :asset_id ORDER BY version, position"
)
_DATASETS = text(
    "SELECT version, dataset_id FROM admitted_datasets WHERE asset_id = :asset_id ORDER BY version, position"
)
_SHARES = text(
    "SELECT version, payee, share FROM effective_shares WHERE asset_id = :asset_id ORDER BY version, position"
)

_LISTS = text("""
    SELECT e.version, l.list_id, l.payee, l.root, l.count, l.total_weight
    FROM effective_shares e JOIN contributor_lists l USING (payee)
    WHERE e.asset_id = :asset_id ORDER BY e.version, l.list_id
""")

# Rows of a list rise by contributor, so this is their order, too.
_CONTRIBUTORS = with_rule("""
    SELECT h.list_id, h.payee AS contributor, c.weight, h.share, c.block_number
    FROM {holders} AS h JOIN contributors c ON c.list_id = h.list_id AND c.contributor = h.payee
    WHERE h.asset_id = :asset_id AND h.version = :version AND h.list_id IS NOT NULL
      AND (h.list_id, h.payee) > (:after_list, :after_contributor)
    ORDER BY h.list_id, h.payee LIMIT :limit
""")

_CHILDREN = text("SELECT DISTINCT asset_id FROM parents WHERE parent_asset_id = :asset_id ORDER BY asset_id")
_ADMITTED_BY = text("SELECT DISTINCT asset_id FROM admitted_datasets WHERE dataset_id = :asset_id ORDER BY asset_id")

_PRICES = text("""
    SELECT DISTINCT ON (operator) operator, input_price_units, output_price_units, effective_at, block_number
    FROM prices WHERE asset_id = :asset_id AND effective_at <= :now
    ORDER BY operator, effective_at DESC, block_number DESC, log_index DESC
""")

# An asset's weights add up to the whole fee of each receipt, so its weighted fees are its fees times 10^6.
_USAGE = text("""
    SELECT CAST(to_timestamp(b.first_committed_at) AT TIME ZONE 'UTC' AS date) AS day, s.dataset_id = :asset_id AS drawn,
           sum(s.weighted_fee_units) FILTER (WHERE b.finalized_block_number <= :finalized) AS settled_finalized,
           sum(s.weighted_fee_units) FILTER (WHERE b.finalized_block_number <= :safe) AS settled_safe,
           sum(s.weighted_fee_units) FILTER (WHERE b.finalized_block_number <= :unsafe) AS settled_unsafe,
           sum(s.weighted_fee_units) FILTER (WHERE b.block_number <= :finalized
               AND coalesce(b.finalized_block_number, b.voided_block_number, :unsafe + 1) > :finalized) AS open_finalized,
           sum(s.weighted_fee_units) FILTER (WHERE b.block_number <= :safe
               AND coalesce(b.finalized_block_number, b.voided_block_number, :unsafe + 1) > :safe) AS open_safe,
           sum(s.weighted_fee_units) FILTER (WHERE b.status = 'open') AS open_unsafe
    FROM batch_sums s JOIN batches b USING (batch_id, fill)
    WHERE (s.asset_id = :asset_id OR s.dataset_id = :asset_id)
    GROUP BY 1, 2 ORDER BY 1, 2
""")


def assets(
    reading: Reading, *, after: int | None = None, rising: bool = True, limit: int = 1, **only: int | str | bytes | None
) -> list[Row[Any]]:
    """Assets by id past `after`, with owner and the version of their terms in force.

    `only`: those with this `asset_id`, `kind`, `owner` or `content_hash`; None for any.
    """
    first = -1 if rising else LARGEST_ID
    place = {"after": first if after is None else after, "limit": limit, "now": reading.l2.unsafe.timestamp}
    given = dict.fromkeys(("asset_id", "kind", "owner", "content_hash")) | only | place
    return list(reading.session.execute(_RISING if rising else _FALLING, given))


def owners(reading: Reading, asset_id: int) -> list[Row[Any]]:
    """Owners, first to last."""
    return list(reading.session.execute(_OWNERS, {"asset_id": asset_id}))


def terms_rows(reading: Reading, asset_id: int) -> dict[str, list[Row[Any]]]:
    """Every version's terms, splits, parents, datasets, effective shares and contributor lists."""
    parts = {
        "terms": _TERMS,
        "splits": _SPLITS,
        "parents": _PARENTS,
        "datasets": _DATASETS,
        "shares": _SHARES,
        "lists": _LISTS,
    }
    return {name: list(reading.session.execute(query, {"asset_id": asset_id})) for name, query in parts.items()}


def contributors(reading: Reading, asset_id: int, version: int, after: tuple[int, bytes], limit: int) -> list[Row[Any]]:
    """Contributors through the lists of an asset version, by rising list and address after `after`."""
    place = {"after_list": after[0], "after_contributor": after[1]}
    given = {"asset_id": asset_id, "version": version, "limit": limit, **place}
    return list(reading.session.execute(_CONTRIBUTORS, given))


def children(reading: Reading, asset_id: int) -> list[int]:
    """Assets that pay this one as their parent."""
    return list(reading.session.execute(_CHILDREN, {"asset_id": asset_id}).scalars())


def admitted_by(reading: Reading, asset_id: int) -> list[int]:
    """Assets whose receipts may name this dataset."""
    return list(reading.session.execute(_ADMITTED_BY, {"asset_id": asset_id}).scalars())


def prices(reading: Reading, asset_id: int) -> list[Row[Any]]:
    """What each operator charges for the asset now."""
    given = {"asset_id": asset_id, "now": reading.l2.unsafe.timestamp}
    return list(reading.session.execute(_PRICES, given))


def usage(reading: Reading, asset_id: int) -> list[Row[Any]]:
    """Weighted fees by day: of receipts that it served, and of receipts that drew on it."""
    return list(reading.session.execute(_USAGE, {"asset_id": asset_id} | reading.tiers))
