"""Transactions that survive a crash: in the database before the chain, and looked up before they are made again.

One effect (a root's submission, one chunk of claims) may take several attempts: the same nonce with a higher fee,
or a new nonce if another transaction took the old one. Whichever attempt is mined, the effect happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from ledger.chain.transaction import parse_signed
from ledger.db.models.settlement import SettlementTransaction
from ledger.errors import (
    TransactionPendingError,
    TransactionSupersededError,
    TransactionUnderpricedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session, sessionmaker

    from ledger.chain.sender import Sender
    from ledger.chain.transaction import Call, SignedTransaction
    from ledger.chain.tx_receipt import TxReceipt

_REPLACEMENTS = 5


@dataclass(frozen=True, slots=True)
class Effect:
    """What a transaction is to bring about."""

    distribution_id: int
    purpose: str
    chunk: int = 0


class TransactionLog:
    """Sends settlement's transactions and keeps their record."""

    def __init__(self, sessions: sessionmaker[Session], sender: Sender, wait_seconds: float = 60.0) -> None:
        """Wait that long for a block before the fee is raised."""
        self._sessions = sessions
        self._sender = sender
        self._wait_seconds = wait_seconds

    def start(self, effect: Effect, make_call: Callable[[], Call]) -> None:
        """Sends the effect's transaction, recorded beforehand; one that was recorded earlier is sent again.

        Raises:
            ContractRevertedError: the contract would refuse it; nothing is recorded or sent.
        """
        attempts = self._attempts(effect)
        if self._mined(attempts):
            return
        still_open = [a for a in attempts if a.outcome is None]
        tx = parse_signed(still_open[-1].raw) if still_open else self._record(effect, self._sign(make_call()))
        self._send(effect, tx, make_call)

    def finish(self, effect: Effect, make_call: Callable[[], Call]) -> TxReceipt:
        """The receipt of the effect's transaction, once it is in a block; fees rise while it is not.

        Raises:
            ContractRevertedError: it is in a block and reverted.
            TransactionPendingError: it is in no block after all replacements.
        """
        for left in range(_REPLACEMENTS, -1, -1):
            receipt = self._mined(self._attempts(effect)) or self._wait(
                effect, raise_fees=left > 0, make_call=make_call
            )
            if receipt is not None:
                self._conclude(effect, receipt)
                return self._sender.succeeded(receipt, make_call())
        raise AssertionError  # the last wait returns a receipt or raises

    def perform(self, effect: Effect, make_call: Callable[[], Call]) -> TxReceipt:
        """`start` and `finish`."""
        self.start(effect, make_call)
        return self.finish(effect, make_call)

    def note_outcomes(self) -> None:
        """Writes down what became of transactions that an earlier process sent and did not see mined."""
        with self._sessions() as session:
            pending = select(SettlementTransaction).where(
                SettlementTransaction.sender == self._sender.address, SettlementTransaction.outcome.is_(None)
            )
            attempts = list(session.scalars(pending))
        if not attempts:
            return
        first_free = self._sender.mined_nonce()
        for attempt in attempts:
            effect = Effect(attempt.distribution_id, attempt.purpose, attempt.chunk)
            receipt = self._sender.tx_receipt(attempt.tx_hash)
            if receipt is not None:
                self._conclude(effect, receipt)
            elif attempt.nonce < first_free and not self._mined(self._attempts(effect)):
                self._close(effect, "replaced")

    def stands(self, tx_hash: bytes) -> bool:
        """Whether a transaction is in a block of the canonical chain."""
        return self._sender.tx_receipt(tx_hash) is not None

    def forget_mined(self, session: Session, effect: Effect) -> None:
        """Takes a mined transaction for pending again: the block that held it was replaced."""
        session.execute(update(SettlementTransaction).where(_is(effect)).values(outcome=None))

    def _wait(self, effect: Effect, *, raise_fees: bool, make_call: Callable[[], Call]) -> TxReceipt | None:
        """The receipt of an attempt that is mined in time; otherwise None, with the fee raised."""
        pending = [a for a in self._attempts(effect) if a.outcome is None]
        if not pending:
            raise TransactionPendingError(
                "The block that held settlement's transaction was replaced; run settle again."
            )
        try:
            return self._sender.wait([a.tx_hash for a in pending], self._wait_seconds)
        except TransactionPendingError:
            if not raise_fees:
                raise
        replacement = self._sender.replacement(parse_signed(pending[-1].raw))
        self._send(effect, self._record(effect, replacement), make_call)
        return None

    def _send(self, effect: Effect, tx: SignedTransaction, make_call: Callable[[], Call]) -> None:
        try:
            self._sender.broadcast(tx)
        except TransactionUnderpricedError:
            self._sender.broadcast(self._record(effect, self._sender.replacement(tx)))
        except TransactionSupersededError:
            if self._mined(self._attempts(effect)):
                return
            self._close(effect, "replaced")
            self._sender.broadcast(self._record(effect, self._sign(make_call())))

    def _sign(self, call: Call) -> SignedTransaction:
        """A transaction above every nonce that the chain or the record has taken."""
        with self._sessions() as session:
            held = session.scalar(
                select(func.max(SettlementTransaction.nonce)).where(
                    SettlementTransaction.sender == self._sender.address, SettlementTransaction.outcome.is_(None)
                )
            )
        nonce = self._sender.next_nonce()
        return self._sender.sign(call, nonce=nonce if held is None else max(nonce, held + 1))

    def _record(self, effect: Effect, tx: SignedTransaction) -> SignedTransaction:
        with self._sessions.begin() as session:
            session.add(
                SettlementTransaction(
                    distribution_id=effect.distribution_id,
                    purpose=effect.purpose,
                    chunk=effect.chunk,
                    sender=tx.sender,
                    nonce=tx.nonce,
                    tx_hash=tx.hash,
                    raw=tx.raw,
                )
            )
        return tx

    def _attempts(self, effect: Effect) -> list[SettlementTransaction]:
        with self._sessions() as session:
            rows = select(SettlementTransaction).where(_is(effect)).order_by(SettlementTransaction.transaction_id)
            return list(session.scalars(rows))

    def _mined(self, attempts: list[SettlementTransaction]) -> TxReceipt | None:
        """The receipt of the attempt that held, if any did; one that reverted may be tried again."""
        for attempt in attempts:
            receipt = self._sender.tx_receipt(attempt.tx_hash) if attempt.outcome != "reverted" else None
            if receipt is not None:
                return receipt
        return None

    def _conclude(self, effect: Effect, receipt: TxReceipt) -> None:
        with self._sessions.begin() as session:
            mined = update(SettlementTransaction).where(SettlementTransaction.tx_hash == receipt.tx_hash)
            session.execute(
                mined.values(
                    outcome="mined" if receipt.succeeded else "reverted",
                    block_number=receipt.block_number,
                    block_hash=receipt.block_hash,
                    gas_used=receipt.gas_used,
                    fee_wei=receipt.cost_wei,
                )
            )
            others = update(SettlementTransaction).where(_is(effect), SettlementTransaction.outcome.is_(None))
            session.execute(others.values(outcome="replaced"))

    def _close(self, effect: Effect, outcome: str) -> None:
        with self._sessions.begin() as session:
            rows = update(SettlementTransaction).where(_is(effect), SettlementTransaction.outcome.is_(None))
            session.execute(rows.values(outcome=outcome))


def _is(effect: Effect) -> ColumnElement[bool]:
    return (
        (SettlementTransaction.distribution_id == effect.distribution_id)
        & (SettlementTransaction.purpose == effect.purpose)
        & (SettlementTransaction.chunk == effect.chunk)
    )
