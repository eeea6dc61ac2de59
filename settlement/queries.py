"""Settlement's readings of the index, as SQL. Every sum is over NUMERIC integers: no order or engine changes it.

All of them count the batches that are finalised on L2 in a block up to `:through` and whose blobs are valid, so the
same block gives the same answer for ever.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import text

from ledger.db.entitlement_rule import with_rule

FINALIZED_HEAD: Final = text("SELECT number, hash FROM heads WHERE chain_id = :chain_id AND tag = 'finalized'")

# A finalised batch whose blobs are not in the archive yet: nothing can be said about its receipts.
UNDECIDED_BATCHES: Final = text("""
    SELECT batch_id FROM batches WHERE finalized_block_number <= :through AND verdict = 'pending'
    ORDER BY batch_id LIMIT 5
""")

WITHHELD_BATCHES: Final = text("""
    SELECT batch_id FROM batches WHERE finalized_block_number <= :through AND verdict = 'invalid' ORDER BY batch_id
""")

FEES: Final = with_rule("SELECT coalesce(sum(total_fee_units), 0) FROM batches b WHERE {counted}")

WEIGHTED_FEES: Final = with_rule("{weighted}")

ROYALTY_TERMS: Final = text("SELECT asset_id, version, royalty_ppm, data_ppm, mode FROM terms")

EFFECTIVE_SHARES: Final = text("SELECT asset_id, version, payee, share FROM effective_shares ORDER BY 1, 2, position")

CONTRIBUTORS: Final = text("""
    SELECT l.list_id, l.root, c.contributor, c.weight
    FROM contributor_lists l JOIN contributors c USING (list_id)
    WHERE l.completed_block_number IS NOT NULL AND l.payee IN (SELECT payee FROM effective_shares)
    ORDER BY l.list_id, c.position
""")

NUMERATORS: Final = with_rule("WITH {owed} SELECT payee, numerator FROM owed ORDER BY payee")

CLAIMED: Final = text("SELECT payee, max(cumulative_units) AS claimed_units FROM claims GROUP BY payee")

NEWEST_ROOT: Final = text("""
    SELECT root_index, root FROM distribution_roots WHERE disabled_block_number IS NULL
    ORDER BY root_index DESC LIMIT 1
""")

# The first payee of one distribution that has less, or nothing, in a later one.
FALLEN_PAYEE: Final = text("""
    SELECT before.payee, before.cumulative_units AS before_units, coalesce(after.cumulative_units, 0) AS after_units
    FROM entitlements AS before
    LEFT JOIN entitlements AS after ON after.payee = before.payee AND after.distribution_id = :after
    WHERE before.distribution_id = :before AND coalesce(after.cumulative_units, 0) < before.cumulative_units
    ORDER BY before.payee LIMIT 1
""")

# Whose claim is worth a push: owed at least :least units more than was ever claimed; :width of them a transaction.
CHOOSE_DUE: Final = text("""
    WITH chosen AS (
        INSERT INTO pushed_claims (distribution_id, payee, chunk)
        SELECT e.distribution_id, e.payee, (row_number() OVER (ORDER BY e.payee) - 1) / CAST(:width AS bigint)
        FROM entitlements e
        LEFT JOIN (SELECT payee, max(cumulative_units) AS units FROM claims GROUP BY payee) AS claimed
          ON claimed.payee = e.payee
        WHERE e.distribution_id = :distribution_id AND e.cumulative_units - coalesce(claimed.units, 0) >= :least
        RETURNING 1
    )
    SELECT count(*) FROM chosen
""")

# What became of pushed claims in blocks up to :through: paid at least so much, or skipped by the contract.
RECONCILED: Final = text("""
    SELECT count(*) AS pushed,
           count(*) FILTER (WHERE paid) AS paid,
           count(*) FILTER (WHERE skipped AND NOT paid) AS skipped
    FROM (
        SELECT EXISTS (SELECT FROM claims c WHERE c.payee = p.payee AND c.block_number <= :through
                       AND c.cumulative_units >= e.cumulative_units) AS paid,
               EXISTS (SELECT FROM skipped_claims k WHERE k.payee = p.payee AND k.block_number <= :through
                       AND k.root_index = :root_index) AS skipped
        FROM pushed_claims p JOIN entitlements e USING (distribution_id, payee)
        WHERE p.distribution_id = :distribution_id
    ) AS outcomes
""")

# A payment that says something else than the distribution whose root it was made against.
STRAY_CLAIM: Final = text("""
    SELECT c.payee, c.cumulative_units, e.cumulative_units AS owed_units FROM claims c
    LEFT JOIN entitlements e ON e.payee = c.payee AND e.distribution_id = :distribution_id
    WHERE c.root_index = :root_index AND c.cumulative_units IS DISTINCT FROM e.cumulative_units
    ORDER BY c.payee LIMIT 1
""")
