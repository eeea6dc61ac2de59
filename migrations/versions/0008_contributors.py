"""Tables of the indexer: contributor lists and their rows.

The statements are in migrations/sql/0008_contributors.sql. A database that was indexed before must be rebuilt only if
its registry has lists.
Locks: nothing that exists. Deploy: before the code that needs it.
"""

from pathlib import Path

from alembic import op

revision = "0008_contributors"
down_revision = "0007_batcher_refills"
branch_labels = None
depends_on = None

TABLES = ("contributors", "contributor_lists")


def upgrade() -> None:
    statements = Path(__file__).parent.parent / "sql" / "0008_contributors.sql"
    op.get_bind().exec_driver_sql(statements.read_text("utf-8"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
