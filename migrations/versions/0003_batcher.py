"""Tables of the batcher: batches on their way to both chains, their blobs, and every transaction sent for them.

The statements are in migrations/sql/0003_batcher.sql.
Locks: nothing that exists. Deploy: before the code that needs it.
"""

from pathlib import Path

from alembic import op

revision = "0003_batcher"
down_revision = "0002_serving"
branch_labels = None
depends_on = None

TABLES = ("relayed_posts", "batch_transactions", "batch_blobs", "batch_charges", "batch_jobs")


def upgrade() -> None:
    statements = Path(__file__).parent.parent / "sql" / "0003_batcher.sql"
    op.get_bind().exec_driver_sql(statements.read_text("utf-8"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
