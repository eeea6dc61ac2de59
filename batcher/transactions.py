"""Transactions that survive a crash: in the database before the chain, and looked up before they are made again.

One effect of a job (its post, its commit, …) may take several attempts: one nonce with rising fees, or a new nonce if
a foreign transaction took the old one. Whichever attempt is mined, the effect happened; another is made only when
none of them can be mined any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, select, update

from ledger.chain.quantities import quantity, to_data
from ledger.chain.transaction import Call, SignedTransaction, parse_signed
from ledger.chain.tx_receipt import TxReceipt, parse_tx_receipt
from ledger.db.models.batcher import BatchTransaction
from ledger.errors import FeeTooHighError, TransactionSupersededError, TransactionUnderpricedError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from batcher.database import LockedDatabase
    from batcher.states import Purpose
    from ledger.chain.blob_tx import Sidecar
    from ledger.chain.sender import Sender

log = structlog.get_logger(__name__)


class Standing(Enum):
    """How far an effect is."""

    ABSENT = auto()
    """Nothing was sent for it, or nothing that can still be mined."""
    PENDING = auto()
    MINED = auto()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an effect is, with the chain's receipt once it is mined and held."""

    standing: Standing
    receipt: TxReceipt | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a transaction is to bring about, and from which account."""

    job_id: int
    purpose: Purpose
    sender: Sender


Along = Callable[["Session", int], None]


class TransactionLog:
    """Sends the batcher's transactions and keeps their record."""

    def __init__(self, database: LockedDatabase, stuck_seconds: float) -> None:
        """Raise the fees of a transaction that is in no block after that long."""
        self._database = database
        self._stuck = timedelta(seconds=stuck_seconds)

    def progress(self, effect: Effect, sidecar: Callable[[], Sidecar] | None = None) -> Progress:
        """How far the effect's newest attempt is by the chain; it is sent again where the node lost it.

        Args:
            effect: what to look for.
            sidecar: gives the blobs of a post that may have to be sent again.
        """
        attempts = self._attempts(effect)
        if not attempts:
            return Progress(Standing.ABSENT)
        taken, receipts = _look_up(effect.sender, attempts, "latest")
        if taken > attempts[-1].nonce and not any(receipts):
            # Another transaction has the nonce. That ours can't come is believed of safe blocks only.
            taken, receipts = _look_up(effect.sender, attempts, "safe")
        for attempt, receipt in zip(attempts, receipts, strict=True):
            if receipt is not None:
                self._conclude(effect, attempt, receipt)
                return Progress(Standing.MINED, receipt) if receipt.succeeded else Progress(Standing.ABSENT)
        self._reopen([a for a in attempts if a.outcome in ("mined", "reverted")])
        if taken > attempts[-1].nonce:
            self._close(attempts)
            return Progress(Standing.ABSENT)
        self._nurse(effect, attempts[-1], sidecar)
        return Progress(Standing.PENDING)

    def newest(self, effect: Effect) -> SignedTransaction | None:
        """The newest attempt at the effect, whatever became of it."""
        attempts = self._attempts(effect)
        return parse_signed(attempts[-1].raw) if attempts else None

    def seconds_since(self, effect: Effect) -> float:
        """How long ago the newest attempt at the effect was recorded, by the database's clock; 0 if there is none."""
        attempts = self._attempts(effect)
        return self._age(attempts[-1]).total_seconds() if attempts else 0.0

    def issue(
        self, effect: Effect, call: Call, sidecar: Sidecar | None = None, along: Along | None = None
    ) -> SignedTransaction:
        """Sign, record and send a transaction for the effect, in this order.

        Args:
            effect: what it is to bring about.
            call: what it does.
            sidecar: the blobs of a post.
            along: writes more in the transaction that records it, given its id.

        Raises:
            ContractRevertedError: the contract would refuse it; nothing is recorded or sent.
            InsufficientFundsError: the account can't pay; nothing is recorded or sent, or it was and is sent again.
        """
        hashes = sidecar.versioned_hashes if sidecar else ()
        nonce = self._next_nonce(effect.sender)
        tx = effect.sender.sign(call, nonce=nonce, versioned_hashes=hashes)
        self._record(effect, tx, along)
        self._send(effect, tx, sidecar)
        return tx

    def _nurse(self, effect: Effect, attempt: BatchTransaction, sidecar: Callable[[], Sidecar] | None) -> None:
        """Send a pending attempt again if the node forgot it, or at higher fees if it is stuck."""
        tx = parse_signed(attempt.raw)
        if not _is_known(effect.sender, tx.hash):
            self._send(effect, tx, sidecar() if sidecar else None)
        elif self._is_stuck(attempt):
            try:
                replacement = effect.sender.replacement(tx)
            except FeeTooHighError as error:
                log.warning("transaction_stuck", job_id=effect.job_id, purpose=effect.purpose, reason=str(error))
                return
            self._record(effect, replacement)
            log.info("fees_raised", job_id=effect.job_id, purpose=effect.purpose, tx_hash=to_data(replacement.hash))
            self._send(effect, replacement, sidecar() if sidecar else None)

    def _is_stuck(self, attempt: BatchTransaction) -> bool:
        """Whether the attempt has waited too long."""
        return self._age(attempt) > self._stuck

    def _age(self, attempt: BatchTransaction) -> timedelta:
        """By the database's clock."""
        with self._database.transaction() as session:
            age: timedelta = session.execute(select(func.clock_timestamp() - attempt.recorded_at)).scalar_one()
        return age

    def _send(self, effect: Effect, tx: SignedTransaction, sidecar: Sidecar | None) -> None:
        try:
            effect.sender.broadcast(tx, sidecar)
        except TransactionUnderpricedError:
            replacement = effect.sender.replacement(tx)
            self._record(effect, replacement)
            effect.sender.broadcast(replacement, sidecar)
        except TransactionSupersededError:
            # Another transaction has the nonce. Believed only once a safe block says so: see `progress`.
            log.warning("nonce_taken", job_id=effect.job_id, purpose=effect.purpose, nonce=tx.nonce)

    def _next_nonce(self, sender: Sender) -> int:
        """Above every nonce that the chain or the record has taken."""
        with self._database.transaction() as session:
            held = session.scalar(
                select(func.max(BatchTransaction.nonce)).where(
                    BatchTransaction.chain_id == sender.rpc.chain_id,
                    BatchTransaction.sender == sender.address,
                    BatchTransaction.outcome.is_(None),
                )
            )
        nonce = sender.next_nonce()
        return nonce if held is None else max(nonce, held + 1)

    def _record(self, effect: Effect, tx: SignedTransaction, along: Along | None = None) -> None:
        """Durable from here on; only then may it be sent."""
        row = BatchTransaction(
            job_id=effect.job_id,
            purpose=effect.purpose.value,
            chain_id=tx.transaction.chain_id,
            sender=tx.sender,
            nonce=tx.nonce,
            tx_hash=tx.hash,
            raw=tx.raw,
        )
        with self._database.transaction() as session:
            session.add(row)
            session.flush()
            if along is not None:
                along(session, row.transaction_id)

    def _attempts(self, effect: Effect) -> list[BatchTransaction]:
        """The attempts with the newest attempt's nonce, oldest first; those of older nonces can't be mined."""
        with self._database.transaction() as session:
            rows = (
                select(BatchTransaction)
                .where(BatchTransaction.job_id == effect.job_id, BatchTransaction.purpose == effect.purpose.value)
                .order_by(BatchTransaction.transaction_id)
            )
            attempts = list(session.scalars(rows))
        return [attempt for attempt in attempts if attempt.nonce == attempts[-1].nonce]

    def _conclude(self, effect: Effect, attempt: BatchTransaction, receipt: TxReceipt) -> None:
        """Keep what the chain says of an attempt, and close the others of its nonce."""
        outcome = "mined" if receipt.succeeded else "reverted"
        if (attempt.outcome, attempt.block_hash) == (outcome, receipt.block_hash):
            return
        of_nonce = update(BatchTransaction).where(
            BatchTransaction.job_id == effect.job_id,
            BatchTransaction.purpose == effect.purpose.value,
            BatchTransaction.nonce == attempt.nonce,
            BatchTransaction.transaction_id != attempt.transaction_id,
        )
        this = update(BatchTransaction).where(BatchTransaction.transaction_id == attempt.transaction_id)
        with self._database.transaction() as session:
            session.execute(of_nonce.values(outcome="replaced"))
            session.execute(
                this.values(
                    outcome=outcome,
                    block_number=receipt.block_number,
                    block_hash=receipt.block_hash,
                    gas_used=receipt.gas_used,
                    gas_price_wei=receipt.gas_price_wei,
                    blob_gas_used=receipt.blob_gas_used,
                    blob_gas_price_wei=receipt.blob_gas_price_wei,
                    l1_fee_wei=receipt.l1_fee_wei,
                )
            )
        if not receipt.succeeded:
            log.warning("transaction_reverted", job_id=effect.job_id, purpose=effect.purpose)

    def _reopen(self, attempts: Sequence[BatchTransaction]) -> None:
        """A block that held an attempt was replaced: it may be mined again."""
        for attempt in attempts:
            log.warning("transaction_reorged_out", job_id=attempt.job_id, purpose=attempt.purpose)
            with self._database.transaction() as session:
                row = update(BatchTransaction).where(BatchTransaction.transaction_id == attempt.transaction_id)
                session.execute(row.values(outcome=None, block_number=None, block_hash=None))

    def _close(self, attempts: Sequence[BatchTransaction]) -> None:
        with self._database.transaction() as session:
            ids = [attempt.transaction_id for attempt in attempts]
            rows = update(BatchTransaction).where(BatchTransaction.transaction_id.in_(ids))
            session.execute(rows.values(outcome="replaced"))


def _look_up(sender: Sender, attempts: Sequence[BatchTransaction], at: str) -> tuple[int, list[TxReceipt | None]]:
    """The sender's first free nonce at a tag, and each attempt's receipt: one request, so one node's view."""
    count = ("eth_getTransactionCount", (to_data(sender.address), at))
    receipts = [("eth_getTransactionReceipt", (to_data(attempt.tx_hash),)) for attempt in attempts]
    answers = sender.rpc.batch([count, *receipts])
    return quantity(answers[0]), [None if a is None else parse_tx_receipt(a) for a in answers[1:]]


def _is_known(sender: Sender, tx_hash: bytes) -> bool:
    return sender.rpc.call("eth_getTransactionByHash", to_data(tx_hash)) is not None
