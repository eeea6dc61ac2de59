"""What posting, committing and finalising took, from transactions whose gas a node has told."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Row, text

from api.reading import Reading
from ledger.protocol.blob.layout import HEADER_FES

NEWEST: Final = 100
"""Final batches that costs are added up over."""

# A batch's blobs may have been posted again by anybody: the first post is the one that it stood on. A batch that was
# committed unattested (attested_at 0) may have none.
_SPENT: Final = """
    SELECT c.batch_id, c.fill, 'commit' AS purpose, c.chain_id, c.block_hash, c.tx_hash FROM chosen c
    UNION ALL
    SELECT c.batch_id, c.fill, 'finalize', e.chain_id, e.block_hash, e.tx_hash FROM chosen c
    JOIN LATERAL (
        SELECT chain_id, block_hash, tx_hash FROM events
        WHERE (chain_id, block_hash, log_index) = (c.chain_id, c.finalized_block_hash, c.finalized_log_index) LIMIT 1
    ) e ON true
    UNION ALL
    SELECT c.batch_id, c.fill, 'post', p.chain_id, p.block_hash, p.tx_hash FROM chosen c LEFT JOIN LATERAL (
        SELECT chain_id, block_hash, tx_hash FROM posts WHERE post_hash = c.post_hash
        ORDER BY block_number, log_index LIMIT 1
    ) p ON true WHERE p.tx_hash IS NOT NULL OR c.attested_at <> 0
"""

_FEE_WEI: Final = "t.gas_used * t.gas_price_wei + t.blob_gas_used * t.blob_gas_price_wei + t.l1_fee_wei"

_OF_BATCH = text(f"""
    WITH chosen AS (SELECT * FROM batches WHERE batch_id = :batch_id AND fill = :fill), spent AS ({_SPENT})
    SELECT s.purpose, t.chain_id, t.block_number, t.tx_hash, t.gas_used, t.blob_gas_used, {_FEE_WEI} AS fee_wei
    FROM spent s JOIN transaction_costs t USING (chain_id, block_hash, tx_hash)
    ORDER BY s.purpose DESC
""")  # noqa: S608  # no value stands in the text

# A transaction that served several batches is counted once; a batch counts when all of its transactions are told.
_TOTALS: Final = f"""
    WITH chosen AS MATERIALIZED (
        SELECT * FROM batches WHERE finalized_block_number IS NOT NULL AND verdict = 'valid' {{condition}}
        ORDER BY {{order}} DESC LIMIT {NEWEST}
    ), spent AS ({_SPENT}), told AS MATERIALIZED (
        SELECT s.batch_id, s.fill, s.purpose = 'post' AS is_post, s.chain_id, s.block_hash, s.tx_hash, t.purpose, t.gas_used, t.blob_gas_used,
               {_FEE_WEI} AS fee_wei
        FROM spent s LEFT JOIN LATERAL (
            SELECT * FROM transaction_costs
            WHERE (chain_id, block_hash, tx_hash) = (s.chain_id, s.block_hash, s.tx_hash) LIMIT 1
        ) t ON true
    ), complete AS MATERIALIZED (
        SELECT batch_id, fill, bool_or(is_post) AS is_posted FROM told
        GROUP BY batch_id, fill HAVING bool_and(gas_used IS NOT NULL)
    ), once AS (
        SELECT DISTINCT chain_id, block_hash, tx_hash, purpose, gas_used, blob_gas_used, fee_wei
        FROM told JOIN complete USING (batch_id, fill)
    )
    SELECT (SELECT count(*) FROM chosen) AS chosen, shape.*, spending.* FROM (
        SELECT count(*) AS batches, coalesce(sum(count), 0) AS receipts, coalesce(sum(blob_count) FILTER (WHERE is_posted), 0) AS blobs,
               coalesce(sum({HEADER_FES} + 2 * count + payer_count + set_fe_count), 0) AS elements
        FROM chosen JOIN complete USING (batch_id, fill)
    ) shape LEFT JOIN (
        SELECT purpose, count(*) AS transactions, sum(gas_used) AS gas_used, sum(blob_gas_used) AS blob_gas_used,
               sum(fee_wei) AS fee_wei
        FROM once GROUP BY purpose
    ) spending ON true
    ORDER BY purpose DESC
"""  # noqa: S608  # no value stands in the text
_OF_ALL = text(_TOTALS.format(condition="", order="finalized_block_number"))
_OF_OPERATOR = text(_TOTALS.format(condition="AND operator = :operator", order="first_committed_at"))


def totals(reading: Reading, operator: bytes | None) -> list[Row[Any]]:
    """Over the newest final batches (of one operator): a row for each purpose, with the batches' shape in each.

    One row without a purpose where no batch counts.
    """
    if operator is None:
        return list(reading.session.execute(_OF_ALL))
    return list(reading.session.execute(_OF_OPERATOR, {"operator": operator}))


def of_batch(reading: Reading, batch_id: int, fill: int) -> list[Row[Any]]:
    """The transactions of one filling: post, finalize, commit; NULL gas where no node has told yet."""
    return list(reading.session.execute(_OF_BATCH, {"batch_id": batch_id, "fill": fill}))
