"""What posting, committing and finalising cost in gas; an operator's batches by time.

The statements are in migrations/sql/0013_transaction_costs.sql.
Locks: `batches`, against writing, while an index of it is made. Deploy: before the code that needs it.
"""

from pathlib import Path

from alembic import op

revision = "0013_transaction_costs"
down_revision = "0012_data_layers"
branch_labels = None
depends_on = None

_ROLE = "tributary_reader"
_GRANT = f"""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{_ROLE}') THEN
            GRANT SELECT ON transaction_costs TO {_ROLE};
        END IF;
    END $$
"""


def upgrade() -> None:
    statements = Path(__file__).parent.parent / "sql" / "0013_transaction_costs.sql"
    op.get_bind().exec_driver_sql(statements.read_text("utf-8"))
    op.execute(_GRANT)


def downgrade() -> None:
    op.drop_index("ix_batches_operator_first_committed_at", "batches")
    op.drop_table("transaction_costs")
