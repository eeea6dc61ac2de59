"""Tables of the indexer: blocks and events, registry, operators, escrow, blobs, batches, receipts, money.

The statements are in migrations/sql/0001_indexer_*.sql, one file for each file of models.
Locks: nothing that exists. Deploy: before the code that needs it.
"""

from pathlib import Path

from alembic import op

revision = "0001_indexer"
down_revision = None
branch_labels = None
depends_on = None

GROUPS = (
    "chain", "registry", "operators", "escrow", "blobs", "batches", "receipts", "distribution", "findings", "movements",
)  # fmt: skip
TABLES = (
    "movements", "findings", "recipients", "skipped_claims", "claims", "distribution_roots", "batch_sums",
    "attribution_sets", "receipts", "charges", "batches", "blob_fetches", "blobs", "post_attestations", "posts",
    "debts", "session_keys", "thaws", "spending_caps", "lane_keys", "prices", "effective_shares", "admitted_datasets",
    "parents", "splits", "terms", "asset_owners", "assets", "events", "deployments", "cursors", "heads", "blocks",
)  # fmt: skip


def upgrade() -> None:
    folder = Path(__file__).parent.parent / "sql"
    for group in GROUPS:
        op.get_bind().exec_driver_sql((folder / f"0001_indexer_{group}.sql").read_text("utf-8"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
