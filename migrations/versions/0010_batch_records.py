"""What a batch's record on L2 holds since it may be committed unattested: its earliest terms time, its post's L1 time.

Locks: `batches` and `batch_jobs`, exclusively, while their rows are rewritten. Deploy: before the code that reads them.
Rows of an earlier deployment's batches get what its contracts went by.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_batch_records"
down_revision = "0009_draw"
branch_labels = None
depends_on = None

COLUMNS = ("terms_from", "attested_at")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("batches", sa.Column(name, sa.BigInteger))
        op.add_column("batch_jobs", sa.Column(name, sa.BigInteger))
    op.execute("UPDATE batches SET terms_from = first_committed_at - 86400, attested_at = committed_at")
    op.execute(
        "UPDATE batch_jobs SET terms_from = committed_at - 86400, attested_at = posted_at WHERE committed_at > 0"
    )
    for name in COLUMNS:
        op.alter_column("batches", name, nullable=False)
        for table in ("batches", "batch_jobs"):
            range_name = op.f(f"ck_{table}_{name}_range")
            op.create_check_constraint(range_name, table, f"{name} BETWEEN 0 AND 1099511627775")


def downgrade() -> None:
    for name in COLUMNS:
        op.drop_column("batches", name)
        op.drop_column("batch_jobs", name)
