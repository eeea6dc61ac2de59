"""The blobs that the chains name, as the index knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ledger.chain.blocks import BlockRef
from ledger.db.session import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMED = """
WITH behind AS (
    SELECT u.hash, d.data_commitment, u.place, b.blob_count FROM data_commitments d JOIN batches b USING (batch_id)
    CROSS JOIN LATERAL unnest(b.versioned_hashes) WITH ORDINALITY AS u (hash, place)
)
SELECT n.hash, p.block_number, p.block_hash, p.l1_time, h.data_commitment, h.place - 1, h.blob_count
FROM (SELECT unnest(versioned_hashes) AS hash FROM posts UNION SELECT unnest(versioned_hashes) FROM batches) AS n
LEFT JOIN LATERAL (
    SELECT block_number, block_hash, l1_time FROM posts WHERE n.hash = ANY(versioned_hashes)
    ORDER BY block_number DESC LIMIT 1
) AS p ON true
LEFT JOIN LATERAL (SELECT * FROM behind WHERE behind.hash = n.hash LIMIT 1) AS h ON true
ORDER BY p.block_number NULLS FIRST, n.hash
"""


class Elsewhere(NamedTuple):
    """Where an Alt-DA server is said to hold a blob: which of the blobs under a commitment."""

    data_commitment: bytes
    position: int
    blob_count: int


class NamedBlob(NamedTuple):
    """A versioned hash, the newest L1 block that is known to have posted it, and where it may be behind a server."""

    versioned_hash: bytes
    l1_block: BlockRef | None
    elsewhere: Elsewhere | None = None


def named_blobs(database_url: str) -> Iterator[NamedBlob]:
    """Every blob of a post or a batch, once, by rising L1 block."""
    with connect(database_url, application_name="tributary-archive") as connection:
        rows = connection.execute(_NAMED).fetchall()
    for blob_hash, number, block_hash, l1_time, *place in rows:
        block = None if number is None else BlockRef(number, block_hash, b"", l1_time)
        yield NamedBlob(blob_hash, block, None if place[0] is None else Elsewhere(*place))
