"""Tables of settlement: distributions, what they say, who signed them, and the transactions sent for them.

The statements are in migrations/sql/0004_settlement.sql.
Locks: nothing that exists. Deploy: before the code that needs it.
"""

from pathlib import Path

from alembic import op

revision = "0004_settlement"
down_revision = "0003_batcher"
branch_labels = None
depends_on = None

TABLES = (
    "settlement_transactions", "pushed_claims", "signed_attestations", "attestations", "distribution_trees",
    "entitlements", "distributions", "distribution_files",
)  # fmt: skip


def upgrade() -> None:
    statements = Path(__file__).parent.parent / "sql" / "0004_settlement.sql"
    op.get_bind().exec_driver_sql(statements.read_text("utf-8"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
