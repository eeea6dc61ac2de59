"""What batches cost, from the chains' own receipts: L1 gas, blob gas and L2 gas, each with its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select

from batcher.states import State
from ledger.db.models.batcher import BatchJob, BatchTransaction

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from ledger.chain.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Cost:
    """Sums over batches; `l2_l1_fee_wei` is what an OP Stack L2 adds for its own data on L1."""

    batches: int
    receipts: int
    blobs: int
    l1_gas: int
    l1_gas_wei: int
    l1_blob_gas: int
    l1_blob_gas_wei: int
    l2_gas: int
    l2_gas_wei: int
    l2_l1_fee_wei: int

    @property
    def total_wei(self) -> int:
        """Everything that was paid."""
        return self.l1_gas_wei + self.l1_blob_gas_wei + self.l2_gas_wei + self.l2_l1_fee_wei


def cost(session: Session, deployment: Deployment, operator: bytes) -> Cost:
    """What an operator's batches of this deployment have cost so far."""
    mine = (
        BatchJob.chain_id == deployment.l2.chain_id,
        BatchJob.ledger_address == deployment.l2.ledger,
        BatchJob.operator == operator,
    )
    done = BatchJob.state.in_((State.COMMITTED, State.FINALIZED, State.VOIDED))
    sizes = select(func.count(), func.sum(BatchJob.count), func.sum(BatchJob.blob_count)).where(*mine, done)
    transaction = BatchTransaction
    on_l1 = transaction.chain_id == deployment.l1.chain_id
    gas = (
        select(
            _sum(on_l1, transaction.gas_used),
            _sum(on_l1, transaction.gas_used * transaction.gas_price_wei),
            _sum(on_l1, transaction.blob_gas_used),
            _sum(on_l1, transaction.blob_gas_used * transaction.blob_gas_price_wei),
            _sum(~on_l1, transaction.gas_used),
            _sum(~on_l1, transaction.gas_used * transaction.gas_price_wei),
            _sum(~on_l1, transaction.l1_fee_wei),
        )
        .join(BatchJob, BatchJob.job_id == transaction.job_id)
        .where(*mine, transaction.outcome.in_(("mined", "reverted")))
    )
    counted = [int(value or 0) for value in session.execute(sizes).one()]
    spent = [int(value or 0) for value in session.execute(gas).one()]
    return Cost(*counted, *spent)


def _sum(
    where: ColumnElement[bool], amount: ColumnElement[int | None] | InstrumentedAttribute[int | None]
) -> ColumnElement[int]:
    return func.sum(case((where, amount), else_=0))
