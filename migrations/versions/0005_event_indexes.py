"""Drop the two indexes of `events` that no query of ours uses: they cost half of what writing an event costs.

Locks: `events`, exclusively, for a moment. Deploy: at any time.
"""

from alembic import op

revision = "0005_event_indexes"
down_revision = "0004_settlement"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_events_name_block_number_log_index", "events")
    op.drop_index("ix_events_tx_hash", "events")


def downgrade() -> None:
    op.create_index("ix_events_name_block_number_log_index", "events", ["name", "block_number", "log_index"])
    op.create_index("ix_events_tx_hash", "events", ["tx_hash"])
