"""The transactions whose gas is not known yet, and what nodes told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from indexer.connection import ConnectedStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.chain.tx_receipt import TxReceipt

_DUE = """
SELECT block_hash, tx_hash, attempts FROM transaction_costs
WHERE chain_id = %s AND gas_used IS NULL AND next_attempt_at <= %s ORDER BY next_attempt_at LIMIT %s
"""
# A row that a reorganisation took meanwhile is not found, and nothing is written.
_TELL = """
UPDATE transaction_costs SET gas_used = %s, gas_price_wei = %s, blob_gas_used = %s, blob_gas_price_wei = %s,
       l1_fee_wei = %s, attempts = attempts + 1
WHERE (chain_id, block_hash, tx_hash) = (%s, %s, %s) AND gas_used IS NULL
"""
_MISS = """
UPDATE transaction_costs SET attempts = attempts + 1, next_attempt_at = %s
WHERE (chain_id, block_hash, tx_hash) = (%s, %s, %s) AND gas_used IS NULL
"""


class DueTransaction(NamedTuple):
    """A transaction whose gas is due to be asked for."""

    block_hash: bytes
    tx_hash: bytes
    attempts: int


class CostStore(ConnectedStore):
    """The cost reader's side of the database. Not thread-safe."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url, "tributary-index-costs")

    def due(self, chain_id: int, now: int, limit: int) -> list[DueTransaction]:
        """Transactions of a chain to be asked for, those that wait longest first."""
        with self.transaction() as cursor:
            return [DueTransaction(*row) for row in cursor.execute(_DUE, (chain_id, now, limit))]

    def tell(self, chain_id: int, receipts: Sequence[TxReceipt]) -> None:
        """What these transactions took."""
        rows = [
            (r.gas_used, r.gas_price_wei, r.blob_gas_used, r.blob_gas_price_wei, r.l1_fee_wei,
             chain_id, r.block_hash, r.tx_hash) for r in receipts
        ]  # fmt: skip
        with self.transaction() as cursor:
            cursor.executemany(_TELL, rows)

    def miss(self, chain_id: int, missed: Sequence[tuple[DueTransaction, int]]) -> None:
        """These were asked for in vain; each with when to ask again."""
        with self.transaction() as cursor:
            cursor.executemany(_MISS, [(at, chain_id, due.block_hash, due.tx_hash) for due, at in missed])
