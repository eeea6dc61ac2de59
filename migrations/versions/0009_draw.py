"""The draw: payers' consents, the exchanges that are kept for it, and what attesters found.

Locks: nothing that exists. Deploy: before the code that needs it.
"""

from pathlib import Path

from alembic import op

revision = "0009_draw"
down_revision = "0008_contributors"
branch_labels = None
depends_on = None

TABLES = ("drawn_receipts", "attester_consents", "kept_exchanges", "audit_consents")


def upgrade() -> None:
    statements = Path(__file__).parent.parent / "sql" / "0009_draw.sql"
    op.get_bind().exec_driver_sql(statements.read_text("utf-8"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
