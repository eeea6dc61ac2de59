"""Fillings of a batch: a voided batch's receipts become a job again, with the batch's id and its first commit's time.

Locks: `batch_jobs` and `batch_transactions`, exclusively, for a moment. Deploy: before the code that needs it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_batcher_refills"
down_revision = "0006_attribution"
branch_labels = None
depends_on = None

_ONCE = "uq_batch_jobs_chain_id_ledger_address_operator_lane_first_seq"
_COLUMNS = ["chain_id", "ledger_address", "operator", "lane", "first_seq"]
_PURPOSES = "purpose IN ('authorize', 'post', 'relay', 'commit', 'finalize'{})"


def upgrade() -> None:
    op.add_column("batch_jobs", sa.Column("fill", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("batch_jobs", sa.Column("first_committed_at", sa.BigInteger()))
    op.create_check_constraint(op.f("ck_batch_jobs_fill_range"), "batch_jobs", "fill >= 0")
    op.create_check_constraint(
        op.f("ck_batch_jobs_first_committed_at_range"), "batch_jobs", "first_committed_at BETWEEN 0 AND 1099511627775"
    )
    op.drop_constraint(_ONCE, "batch_jobs")
    op.create_unique_constraint("uq_batch_jobs_filled_once", "batch_jobs", [*_COLUMNS, "fill"])
    _purposes(", 'refund'")


def downgrade() -> None:
    _purposes("")
    op.drop_constraint("uq_batch_jobs_filled_once", "batch_jobs")
    op.create_unique_constraint(_ONCE, "batch_jobs", _COLUMNS)
    op.drop_column("batch_jobs", "first_committed_at")
    op.drop_column("batch_jobs", "fill")


def _purposes(more: str) -> None:
    op.drop_constraint(op.f("ck_batch_transactions_purpose_known"), "batch_transactions")
    op.create_check_constraint(
        op.f("ck_batch_transactions_purpose_known"), "batch_transactions", _PURPOSES.format(more)
    )
