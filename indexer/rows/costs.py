"""Rows of the transactions whose gas is worth knowing, found among their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from indexer.rows.buffer import Origin, Rows
from ledger.chain.events import blob_inbox
from ledger.chain.events import receipt_ledger as events
from ledger.db.models.indexer_costs import TransactionCost

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.rows.decoding import Decoded

PURPOSES: Final[dict[type, str]] = {
    blob_inbox.BlobsPosted: "post",
    events.BatchCommitted: "commit",
    events.BatchRefilled: "commit",
    events.BatchFinalized: "finalize",
}
"""What a transaction was for, by the first event in it that is here."""


def note_cost(chain_id: int, logs: Sequence[Decoded], to: Rows) -> None:
    """The row of a transaction with these logs, if it has one; its gas is still to be asked for."""
    for raw, event, _ in logs:
        purpose = PURPOSES.get(type(event))
        if purpose is not None:
            unknown = dict.fromkeys(
                ("gas_used", "gas_price_wei", "blob_gas_used", "blob_gas_price_wei", "l1_fee_wei"), None
            )
            to.add(
                TransactionCost,
                Origin.of(chain_id, raw),
                tx_hash=raw.tx_hash,
                purpose=purpose,
                attempts=0,
                next_attempt_at=0,
                **unknown,
            )
            return
