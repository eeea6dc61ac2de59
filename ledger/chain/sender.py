"""Transactions of one account: signed first, then sent, watched, and replaced when they stick.

`sign` has no effect outside; what it returns can be made durable before `broadcast`, which is
idempotent, so that a process that dies in between resumes with the same transaction and never
acts twice. `execute` does it all in one go for callers that need no such care.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from coincurve import PrivateKey

from ledger.chain.blob_tx import Sidecar
from ledger.chain.fees import FeePolicy, market_fees, raised_fees
from ledger.chain.quantities import Json, quantity, to_data, to_quantity
from ledger.chain.refusals import refusal_of
from ledger.chain.reverts import explain_revert, revert_of
from ledger.chain.rpc import RpcClient
from ledger.chain.transaction import Call, Fees, SignedTransaction, Transaction
from ledger.chain.tx_receipt import TxReceipt, parse_tx_receipt
from ledger.errors import (
    ContractRevertedError,
    RpcRejectedError,
    TransactionPendingError,
    TransactionSupersededError,
)
from ledger.protocol.signature import address_of
from ledger.protocol.units import PPM

GAS_MARGIN_PPM: Final = 250_000
"""Added to an estimate: state may move between estimate and inclusion."""
_POLL_SECONDS: Final = 0.25
_STUCK_AFTER_SECONDS: Final = 60.0


class Sender:
    """One account on one chain. Thread-safe; one process per account."""

    def __init__(
        self,
        rpc: RpcClient,
        key: PrivateKey,
        policy: FeePolicy | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Hold the key; nothing is asked of the chain yet."""
        self.rpc = rpc
        self.address = address_of(key)
        self.policy = policy or FeePolicy()
        self._key = key
        self._sleep = sleep
        self._lock = threading.Lock()

    def next_nonce(self) -> int:
        """The first nonce that no transaction known to the node has."""
        return self._transaction_count("pending")

    def mined_nonce(self) -> int:
        """The first nonce that no mined transaction has."""
        return self._transaction_count("latest")

    def balance_wei(self) -> int:
        """What the account holds in the latest block."""
        return quantity(self.rpc.call("eth_getBalance", to_data(self.address), "latest"))

    def sign(
        self,
        call: Call,
        *,
        nonce: int | None = None,
        gas_limit: int | None = None,
        versioned_hashes: Sequence[bytes] = (),
        gas_margin_ppm: int = GAS_MARGIN_PPM,
    ) -> SignedTransaction:
        """The signed transaction at market fees, not sent. Without a gas limit it is simulated.

        Raises:
            ContractRevertedError: the simulation reverts.
            InsufficientFundsError: the account can't pay for it.
            FeeTooHighError: the market is above the policy's ceiling.
        """
        hashes = tuple(versioned_hashes)
        fees = market_fees(self.rpc, self.policy, blobs=bool(hashes))
        if gas_limit is None:
            estimate = self._estimate(call, fees, hashes)
            gas_limit = estimate + estimate * gas_margin_ppm // PPM
        if nonce is None:
            nonce = self.next_nonce()
        return Transaction(self.rpc.chain_id, nonce, gas_limit, fees, call, hashes).sign(self._key)

    def simulate(self, call: Call) -> None:
        """Nothing, if the call would hold on the latest block.

        Raises:
            ContractRevertedError: it would not, and why.
        """
        try:
            self.rpc.call("eth_call", self._message(call), "latest")
        except RpcRejectedError as error:
            raise revert_of(error) or error from error

    def estimate(self, call: Call) -> int:
        """Gas that the call would take now, from an account that need not be able to pay for it.

        Raises:
            ContractRevertedError: it would revert.
        """
        return self._estimate(call, Fees(0, 0), ())

    def replacement(self, tx: SignedTransaction) -> SignedTransaction:
        """The same transaction and nonce at fees that a pool takes instead of the old ones.

        Raises:
            FeeTooHighError: that would be above the policy's ceiling.
        """
        blobs = bool(tx.transaction.versioned_hashes)
        market = market_fees(self.rpc, self.policy, blobs=blobs)
        fees = raised_fees(tx.transaction.fees, market, self.policy, blobs=blobs, chain=self.rpc.name)
        return tx.transaction.with_fees(fees).sign(self._key)

    def broadcast(self, tx: SignedTransaction, sidecar: Sidecar | None = None) -> None:
        """Hand a transaction to the node; nothing happens if it has it, or has mined it, already.

        Raises:
            TransactionUnderpricedError: the node wants more for it.
            TransactionSupersededError: another transaction has used the nonce.
            InsufficientFundsError: the account can't pay for it.
        """
        raw = sidecar.wrap(tx) if sidecar else tx.raw
        try:
            self.rpc.call("eth_sendRawTransaction", to_data(raw))
        except RpcRejectedError as error:
            refusal = refusal_of(error, self.rpc.name, self.address)
            if isinstance(refusal, TransactionSupersededError) and self.tx_receipt(tx.hash):
                return
            if refusal is not None:
                raise refusal from error

    def tx_receipt(self, tx_hash: bytes) -> TxReceipt | None:
        """The transaction's receipt in the canonical chain, or None while it is in no block."""
        answer = self.rpc.call("eth_getTransactionReceipt", to_data(tx_hash))
        return None if answer is None else parse_tx_receipt(answer)

    def wait(self, tx_hashes: Sequence[bytes], timeout_seconds: float = _STUCK_AFTER_SECONDS) -> TxReceipt:
        """The receipt of whichever of these transactions (of one nonce) is mined.

        Raises:
            TransactionPendingError: none is, by then.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            for tx_hash in tx_hashes:
                receipt = self.tx_receipt(tx_hash)
                if receipt is not None:
                    return receipt
            if time.monotonic() >= deadline:
                raise TransactionPendingError(
                    f"{self.rpc.name} transaction {to_data(tx_hashes[-1])} is in no block after {timeout_seconds:.0f} s."
                )
            self._sleep(_POLL_SECONDS)

    def execute(
        self, call: Call, *, sidecar: Sidecar | None = None, gas_limit: int | None = None, replacements: int = 3
    ) -> TxReceipt:
        """The receipt of this call, signed, sent and waited for, with fees raised while it sticks.

        Raises:
            ContractRevertedError: the simulation, or the mined transaction, reverts.
            TransactionPendingError: in no block after the last replacement.
        """
        hashes = sidecar.versioned_hashes if sidecar else ()
        with self._lock:
            tx = self.sign(call, gas_limit=gas_limit, versioned_hashes=hashes)
            self.broadcast(tx, sidecar)
        sent = [tx.hash]
        for left in range(replacements, -1, -1):
            try:
                return self.succeeded(self.wait(sent), call)
            except TransactionPendingError:
                if not left:
                    raise
                tx = self.replacement(tx)
                self.broadcast(tx, sidecar)
                sent.append(tx.hash)
        raise AssertionError  # the loop returns or raises

    def succeeded(self, receipt: TxReceipt, call: Call) -> TxReceipt:
        """The receipt itself, if its transaction held.

        Raises:
            ContractRevertedError: it reverted; the reason comes from the same call made again.
        """
        if receipt.succeeded:
            return receipt
        try:
            self.rpc.call("eth_call", self._message(call), to_quantity(receipt.block_number))
        except RpcRejectedError as error:
            raise revert_of(error) or explain_revert(b"") from error
        raise ContractRevertedError(f"Transaction {to_data(receipt.tx_hash)} reverted, most likely out of gas.")

    def _estimate(self, call: Call, fees: Fees, hashes: tuple[bytes, ...]) -> int:
        message = self._message(call)
        if hashes:
            message["blobVersionedHashes"] = [to_data(h) for h in hashes]
            message["maxFeePerBlobGas"] = to_quantity(fees.max_blob_fee_wei)
        try:
            return quantity(self.rpc.call("eth_estimateGas", message))
        except RpcRejectedError as error:
            raise revert_of(error) or refusal_of(error, self.rpc.name, self.address) or error from error

    def _message(self, call: Call) -> dict[str, Json]:
        message: dict[str, Json] = {
            "from": to_data(self.address),
            "data": to_data(call.data),
            "value": to_quantity(call.value_wei),
        }
        return {**message, "to": to_data(call.to)} if call.to else message

    def _transaction_count(self, at: str) -> int:
        return quantity(self.rpc.call("eth_getTransactionCount", to_data(self.address), at))
