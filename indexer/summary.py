"""What the index holds, in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.db.session import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADS = "SELECT chain_id, tag, number FROM heads ORDER BY chain_id"
_BATCHES = """
SELECT count(*) FILTER (WHERE verdict = 'valid'), count(*) FILTER (WHERE verdict = 'invalid'),
       count(*) FILTER (WHERE verdict = 'pending'), coalesce(sum(count) FILTER (WHERE verdict = 'valid'), 0)
FROM batches
"""
_REORGS = "SELECT chain_id, reorgs, deepest_reorg_blocks FROM cursors ORDER BY chain_id"
_COUNTS = "SELECT (SELECT count(*) FROM findings), (SELECT count(*) FROM blob_fetches)"


@dataclass(frozen=True, slots=True)
class Summary:
    """Heads by chain and tag, batches by verdict, receipts of valid batches, findings.

    `reorgs` has for each chain how many were undone and how many blocks the deepest took; `missing` counts the posts of
    which a blob is not had yet.
    """

    heads: dict[int, dict[str, int]]
    valid: int
    invalid: int
    pending: int
    receipts: int
    findings: int
    missing: int
    reorgs: dict[int, tuple[int, int]]

    def lines(self) -> Iterator[str]:
        """The summary as a person reads it."""
        for chain_id, tags in self.heads.items():
            yield f"Chain {chain_id}: indexed up to block {tags['latest']}, final up to {tags['finalized']}."
        yield f"Batches: {self.valid} valid, with {self.receipts} receipts; {self.invalid} invalid."
        if self.pending:
            yield f"{self.pending} batches wait for their blobs."
        if self.findings:
            yield f"Findings: {self.findings}."


def summarize(database_url: str) -> Summary:
    """What the index at this database holds."""
    with connect(database_url, application_name="tributary-index") as connection:
        heads: dict[int, dict[str, int]] = {}
        for chain_id, tag, number in connection.execute(_HEADS):
            heads.setdefault(chain_id, {})[tag] = number
        valid, invalid, pending, receipts = connection.execute(_BATCHES).fetchone() or (0, 0, 0, 0)
        findings, missing = connection.execute(_COUNTS).fetchone() or (0, 0)
        reorgs = {chain_id: (count, deepest) for chain_id, count, deepest in connection.execute(_REORGS)}
    return Summary(heads, valid, invalid, pending, int(receipts), findings, missing, reorgs)
