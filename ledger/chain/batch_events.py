"""One batch's life on the ledger, from its own events."""

from typing import Any

from ledger.chain.events.receipt_ledger import BatchCommitted, BatchFinalized, BatchRefilled, BatchVoided
from ledger.chain.logs import LogDecoder, parse_logs
from ledger.chain.quantities import to_data
from ledger.chain.rpc import RpcClient
from ledger.protocol.domain import word


def batch_events(rpc: RpcClient, ledger: bytes, batch_id: int) -> list[Any]:
    """Everything that the ledger emitted about a batch, in order; empty if it has none of this id."""
    decoder = LogDecoder({ledger: "ReceiptLedger"})
    query = {
        "fromBlock": "0x0",
        "toBlock": "latest",
        "address": to_data(ledger),
        "topics": [None, to_data(word(batch_id))],
    }
    raw = [log for log in parse_logs(rpc.batch([("eth_getLogs", (query,))])[0]) if decoder.knows(log)]
    return [decoder.decode(log).event for log in raw]


def fillings(events: list[Any]) -> list[BatchCommitted | BatchRefilled]:
    """The batch's commits, the first and those that filled it again after it was voided."""
    return [event for event in events if isinstance(event, (BatchCommitted, BatchRefilled))]


def standing_commitment(rpc: RpcClient, ledger: bytes, batch_id: int) -> bytes | None:
    """The batch_commitment that stands now; None if there is no such batch, or it is voided and not filled again."""
    events = batch_events(rpc, ledger, batch_id)
    filled = fillings(events)
    voided = sum(isinstance(event, BatchVoided) for event in events)
    return filled[-1].batch_commitment if len(filled) > voided else None


def is_final(events: list[Any]) -> bool:
    """Whether the batch was paid out."""
    return any(isinstance(event, BatchFinalized) for event in events)
