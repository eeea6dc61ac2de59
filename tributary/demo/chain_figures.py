"""What both chains' logs and transaction receipts say since the deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.chain.events.token import Transfer
from ledger.chain.logs import LogDecoder, fetch_logs
from ledger.chain.quantities import to_data
from ledger.chain.tx_receipt import parse_tx_receipt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ledger.chain.logs import Log
    from ledger.chain.rpc import RpcClient
    from tributary.demo.chains import Chains


class ChainFigures:
    """Logs and tx_receipts, read once; amounts in base units of the token."""

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        at = chains.deployment
        names = {
            at.l2.token: "TestToken",
            at.l2.escrow: "PaymentEscrow",
            at.l2.ledger: "ReceiptLedger",
            at.l2.distributor: "RoyaltyDistributor",
        }
        self.l2_logs = _read(chains.l2, at.l2.deployed_at_block, names)
        self.l1_logs = _read(chains.l1, at.l1.deployed_at_block, {at.l1.blob_inbox: "BlobInbox"})

    def events(self, kind: type, logs: Sequence[Log] | None = None) -> list[Any]:
        """Events of one kind, in chain order."""
        return [log.event for log in (self.l2_logs if logs is None else logs) if isinstance(log.event, kind)]

    def transferred(self, sources: Iterable[bytes], target: bytes) -> int:
        """Sum of the token's transfers from any of these to the target."""
        known = set(sources)
        moves = self.events(Transfer)
        return sum(m.amount_units for m in moves if m.sender in known and m.recipient == target)

    def gas(self, kinds: tuple[type, ...], *, l1: bool = False) -> tuple[int, int]:
        """(gas, blob gas) of the transactions that emitted events of these kinds, each counted once."""
        rpc, logs = (self.chains.l1, self.l1_logs) if l1 else (self.chains.l2, self.l2_logs)
        hashes = list(dict.fromkeys(log.tx_hash for log in logs if isinstance(log.event, kinds)))
        answers = rpc.batch([("eth_getTransactionReceipt", [to_data(h)]) for h in hashes]) if hashes else []
        receipts = [parse_tx_receipt(answer) for answer in answers]
        return sum(r.gas_used for r in receipts), sum(r.blob_gas_used for r in receipts)


def _read(rpc: RpcClient, first_block: int, names: Mapping[bytes, str]) -> list[Log]:
    last = int(rpc.call("eth_blockNumber"), 16)
    raw = fetch_logs(rpc, first_block, last, list(names))
    return list(LogDecoder(dict(names)).decode_known(raw))
