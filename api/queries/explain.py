"""What an explain file needs of the ledger: one payee's batches, the terms in them, and who signed the root."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text

from api.reading import Reading
from ledger.db.entitlement_rule import with_rule

_LINE = text("""
    SELECT d.distribution_id, e.numerator, e.cumulative_units, e.leaf_position
    FROM distributions d JOIN entitlements e USING (distribution_id)
    WHERE d.root_index = :root_index AND d.root = :root AND d.data_hash = :data_hash AND e.payee = :payee
    ORDER BY d.distribution_id DESC LIMIT 1
""")

_SIGNATURES = text("""
    SELECT attester, signature FROM attestations
    WHERE distribution_id = :distribution_id AND signature IS NOT NULL ORDER BY attester
""")

# Batches that count, of which the payee may earn: as the protocol, as the operator, or by a share of what was used.
_BATCHES = with_rule("""
    SELECT b.* FROM batches b
    WHERE b.finalized_block_number <= :through AND b.verdict = 'valid'
      AND (:is_protocol OR b.operator = :payee OR EXISTS (
          SELECT FROM batch_sums s JOIN {holders} AS e
            ON (e.asset_id, e.version) IN ((s.asset_id, s.asset_version), (s.dataset_id, s.dataset_version))
          WHERE s.batch_id = b.batch_id AND s.fill = b.fill AND e.payee = :payee))
    ORDER BY b.batch_id
""")

# Every version of these assets, and of the datasets that they admit.
_TERMS = text("""
    WITH named AS (
        SELECT unnest(CAST(:assets AS bigint[])) AS asset_id
        UNION
        SELECT dataset_id FROM admitted_datasets WHERE asset_id = ANY(CAST(:assets AS bigint[]))
    )
    SELECT t.asset_id, t.version, t.effective_at, t.royalty_ppm, t.data_ppm, t.mode,
           ARRAY(SELECT a.dataset_id FROM admitted_datasets a WHERE (a.asset_id, a.version) = (t.asset_id, t.version)
                 ORDER BY a.position) AS datasets
    FROM terms t JOIN named USING (asset_id) ORDER BY t.asset_id, t.version
""")

_SHARES = text("""
    SELECT asset_id, version, payee, share FROM effective_shares
    WHERE asset_id = ANY(CAST(:assets AS bigint[])) ORDER BY asset_id, version, position
""")

# The rows of every contributor list that these assets' shares name and the payee is on.
_LISTS = text("""
    SELECT l.list_id, l.root, c.contributor, c.weight
    FROM contributor_lists l JOIN contributors c USING (list_id)
    WHERE EXISTS (SELECT FROM contributors m WHERE m.list_id = l.list_id AND m.contributor = :payee)
      AND l.payee IN (SELECT payee FROM effective_shares WHERE asset_id = ANY(CAST(:assets AS bigint[])))
    ORDER BY l.list_id, c.position
""")

_PLACES = text("""
    SELECT position, digest31, seq, payer, asset_id, fee_units, input_units, output_units, started_at FROM receipts
    WHERE batch_id = :batch_id AND fill = :fill AND asset_id = ANY(CAST(:assets AS bigint[]))
    ORDER BY position LIMIT :limit
""")

_PLACES_AT = text("""
    SELECT position, digest31, seq, payer, asset_id, fee_units, input_units, output_units, started_at FROM receipts
    WHERE batch_id = :batch_id AND fill = :fill AND position = ANY(CAST(:positions AS integer[])) ORDER BY position
""")

_SIGNED = text("""
    SELECT operator, lane, seq, payer, asset_id, request_hash, response_hash, input_units, output_units, fee_units,
           attribution_hash, started_at, duration_ms, digest, signature, signer
    FROM issued_receipts WHERE operator = :operator AND lane = :lane AND seq = :seq
""")


def line(reading: Reading, root: Row[Any], payee: bytes) -> Row[Any] | None:
    """A payee's line in the distribution of a root; None if it is not on record here."""
    given = {"root_index": root.root_index, "root": root.root, "data_hash": root.data_hash, "payee": payee}
    return reading.session.execute(_LINE, given).first()


def signatures(reading: Reading, distribution_id: int) -> list[Row[Any]]:
    """Attesters and their signatures."""
    return list(reading.session.execute(_SIGNATURES, {"distribution_id": distribution_id}))


def batches(reading: Reading, payee: bytes, through: int) -> list[Row[Any]]:
    """Finalised valid batches through an L2 block that may give the payee something, by rising id."""
    is_protocol = payee == reading.facts.protocol_payee
    given = {"payee": payee, "through": through, "is_protocol": is_protocol}
    return list(reading.session.execute(_BATCHES, given))


def terms(reading: Reading, assets: list[int]) -> list[Row[Any]]:
    """Every version of these assets' terms and of the datasets they admit, by rising asset and version."""
    return list(reading.session.execute(_TERMS, {"assets": assets}))


def shares(reading: Reading, assets: list[int]) -> list[Row[Any]]:
    """Effective shares of every version of these assets."""
    return list(reading.session.execute(_SHARES, {"assets": assets}))


def lists(reading: Reading, payee: bytes, assets: list[int]) -> list[Row[Any]]:
    """Rows of the contributor lists through which these assets may pay the payee, in the lists' order."""
    return list(reading.session.execute(_LISTS, {"payee": payee, "assets": assets}))


def places(reading: Reading, batch: Row[Any], assets: list[int], limit: int) -> list[Row[Any]]:
    """Receipts of a batch that these assets served, by rising position."""
    given = {"batch_id": batch.batch_id, "fill": batch.fill, "assets": assets, "limit": limit}
    return list(reading.session.execute(_PLACES, given))


def places_at(reading: Reading, batch: Row[Any], positions: list[int]) -> list[Row[Any]]:
    """Receipts of a batch at these positions."""
    given = {"batch_id": batch.batch_id, "fill": batch.fill, "positions": positions}
    return list(reading.session.execute(_PLACES_AT, given))


def signed(reading: Reading, operator: bytes, lane: int, seq: int) -> Row[Any] | None:
    """The signed receipt, where a gateway on this database issued it."""
    return reading.session.execute(_SIGNED, {"operator": operator, "lane": lane, "seq": seq}).first()
