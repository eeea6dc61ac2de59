"""What made an attribution set, beside the receipt; and evidence of unlicensed use.

Locks: issued_receipts for an instant (columns with a constant default). Deploy: before the code that needs it.
"""

from pathlib import Path

from alembic import op

revision = "0006_attribution"
down_revision = "0005_event_indexes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    statements = Path(__file__).parent.parent / "sql" / "0006_attribution.sql"
    op.get_bind().exec_driver_sql(statements.read_text("utf-8"))


def downgrade() -> None:
    op.drop_table("unlicensed_uses")
    op.drop_column("issued_receipts", "attribution_params_hash")
    op.drop_column("issued_receipts", "attribution_method")
