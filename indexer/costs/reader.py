"""Asks nodes what transactions took, in rounds; a node that does not know is asked again later, ever more seldom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import structlog

from ledger.chain.quantities import to_data
from ledger.chain.tx_receipt import TxReceipt, parse_tx_receipt
from ledger.errors import MalformedAnswerError, RpcRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from indexer.costs.store import CostStore, DueTransaction
    from ledger.chain.quantities import Json
    from ledger.chain.rpc import RpcClient

AT_ONCE: Final = 100
"""Transactions of a chain in one round: one JSON-RPC request."""

FIRST_RETRY_SECONDS: Final = 5
LONGEST_RETRY_SECONDS: Final = 3_600
_LARGEST_GAS: Final = 2**63 - 1
_LARGEST_WEI: Final = 10**78 - 1

_log = structlog.get_logger()


class CostReader:
    """Works off what the followers noted. One thread calls `round`; a crash in it loses nothing."""

    def __init__(self, store: CostStore, nodes: Sequence[RpcClient], clock: Callable[[], float] = time.time) -> None:
        """Take the database and each chain's nodes; `clock` gives Unix seconds for retries."""
        self._store = store
        self._nodes = nodes
        self._clock = clock

    def round(self) -> int:
        """Ask once for what is due on each chain; how many transactions' gas is known since.

        Raises:
            RetryableError: a node or the database is away; what was written stays.
        """
        return sum(self._read(node) for node in self._nodes)

    def _read(self, node: RpcClient) -> int:
        now = int(self._clock())
        due = self._store.due(node.chain_id, now, AT_ONCE)
        if not due:
            return 0
        told, missed = [], []
        for transaction, answer in zip(due, self._ask(node, due), strict=True):
            receipt = _receipt(answer, transaction)
            if receipt is None:
                missed.append((transaction, now + _pause(transaction.attempts)))
            else:
                told.append(receipt)
        self._store.tell(node.chain_id, told)
        self._store.miss(node.chain_id, missed)
        return len(told)

    def _ask(self, node: RpcClient, due: Sequence[DueTransaction]) -> list[Json]:
        try:
            return node.batch([("eth_getTransactionReceipt", (to_data(one.tx_hash),)) for one in due])
        except RpcRejectedError as error:
            _log.info("costs_refused", chain_id=node.chain_id, reason=str(error))
            return [None] * len(due)


def _receipt(answer: Json, asked: DueTransaction) -> TxReceipt | None:
    """The transaction's receipt; None if the node has none, or answers another one or nonsense."""
    if answer is None:
        return None
    try:
        receipt = parse_tx_receipt(answer)
    except MalformedAnswerError:
        return None
    is_asked = (receipt.tx_hash, receipt.block_hash) == (asked.tx_hash, asked.block_hash)
    gas = max(receipt.gas_used, receipt.blob_gas_used)
    wei = max(receipt.gas_price_wei, receipt.blob_gas_price_wei, receipt.l1_fee_wei)
    return receipt if is_asked and gas <= _LARGEST_GAS and wei <= _LARGEST_WEI else None


def _pause(attempts: int) -> int:
    return int(min(FIRST_RETRY_SECONDS * 2 ** min(attempts, 16), LONGEST_RETRY_SECONDS))
