"""The watcher's own transactions: simulated, bounded, written down, then sent; one on its way at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ledger.chain.fees import market_fees
from ledger.chain.transaction import parse_signed
from ledger.errors import (
    FeeTooHighError,
    InsufficientFundsError,
    RpcRejectedError,
    TransactionPendingError,
    TransactionSupersededError,
    TransactionUnderpricedError,
)
from ledger.protocol.hexadecimal import checksum_address
from watcher.memory import SentNote

if TYPE_CHECKING:
    from ledger.chain.sender import Sender
    from ledger.chain.transaction import Call, SignedTransaction
    from ledger.chain.tx_receipt import TxReceipt
    from watcher.memory import MemoryFile
    from watcher.report import Report
    from watcher.settings import WatcherSettings

Purpose = Literal["challenge", "refund", "penalty", "demand"]


class Price(NamedTuple):
    """What a call would take: gas, and the most that it could cost."""

    gas: int
    cost_wei: int


class Sent(NamedTuple):
    """A transaction that was mined and held, and what it was for."""

    note: SentNote
    receipt: TxReceipt


class Outgoing:
    """Sends within the limits, so that whatever happens is known after a restart."""

    def __init__(
        self, account: Sender, file: MemoryFile, report: Report, settings: WatcherSettings, *, acting: bool
    ) -> None:
        """Take the account; with `acting` false nothing is ever sent."""
        self._account = account
        self._file = file
        self._report = report
        self._settings = settings
        self.acting = acting

    def price(self, call: Call) -> Price:
        """What a call that holds would take at the market's fees.

        Raises:
            ContractRevertedError: it does not hold.
            FeeTooHighError: gas is dearer than the ceiling.
        """
        gas = self._account.estimate(call)
        return Price(gas, gas * market_fees(self._account.rpc, self._account.policy).max_fee_wei)

    def send(self, purpose: Purpose, subject: str, call: Call) -> bytes | None:
        """The hash of the transaction that now carries the call; None, and why is told, if a limit forbids it.

        Raises:
            ContractRevertedError: the contract would refuse it.
        """
        try:
            tx = self._account.sign(call)
        except (FeeTooHighError, InsufficientFundsError) as error:
            self._report.tell("limit_reached", reason=str(error))
            return None
        most = tx.transaction.gas_limit * tx.transaction.fees.max_fee_wei
        if not self._can_afford(most):
            return None
        self._file.memory.sent = SentNote(purpose=purpose, subject=subject, raws=[tx.raw.hex()])
        self._file.save()
        self._broadcast(tx)
        return tx.hash

    def _can_afford(self, most_wei: int) -> bool:
        """Whether neither the budget nor the account stands in the way; what does is told."""
        left = self._settings.budget_wei - int(self._file.memory.spent_wei)
        if most_wei > left:
            reason = f"it could cost {most_wei} wei, and {left} wei are left of the budget (WATCHER_BUDGET_WEI)."
            self._report.tell("limit_reached", reason=reason)
            return False
        held = self._account.balance_wei()
        if most_wei > held:
            account = checksum_address(self._account.address)
            reason = f"it could cost {most_wei} wei, and the account {account} holds {held} wei on the L2."
            self._report.tell("limit_reached", reason=reason)
        return most_wei <= held

    def outcome(self) -> Sent | None:
        """What came of the transaction on its way, if there is one and it was mined and held.

        One that is not mined in time is sent again with a higher fee, and stays on its way.
        """
        note = self._file.memory.sent
        if note is None:
            return None
        attempts = [parse_signed(bytes.fromhex(raw)) for raw in note.raws]
        receipt = self._mined(attempts)
        if receipt is None:
            return None
        self._file.memory.sent = None
        self._file.memory.spent_wei = str(int(self._file.memory.spent_wei) + receipt.cost_wei)
        self._file.save()
        if receipt.succeeded:
            return Sent(note, receipt)
        self._report.tell("transaction_failed", tx_hash=receipt.tx_hash, reason="it was reverted; somebody was first.")
        return None

    def _mined(self, attempts: list[SignedTransaction]) -> TxReceipt | None:
        hashes = [attempt.hash for attempt in attempts]
        if not any(self._account.tx_receipt(tx_hash) for tx_hash in hashes) and not self._broadcast(attempts[-1]):
            return None
        try:
            return self._account.wait(hashes, self._settings.stuck_seconds)
        except TransactionPendingError:
            self._raise_fee(attempts[-1])
            return None

    def _broadcast(self, tx: SignedTransaction) -> bool:
        """Whether the transaction may still be mined."""
        try:
            self._account.broadcast(tx)
        except TransactionUnderpricedError:
            self._raise_fee(tx)
        except (TransactionSupersededError, InsufficientFundsError, RpcRejectedError) as error:
            self._report.tell("transaction_failed", tx_hash=tx.hash, reason=str(error))
            self._file.memory.sent = None
            self._file.save()
            return False
        return True

    def _raise_fee(self, tx: SignedTransaction) -> None:
        note = self._file.memory.sent
        try:
            raised = self._account.replacement(tx)
        except FeeTooHighError as error:
            self._report.tell("limit_reached", reason=str(error))
            return
        if note is not None:
            note.raws.append(raised.raw.hex())
            self._file.save()
            self._account.broadcast(raised)
