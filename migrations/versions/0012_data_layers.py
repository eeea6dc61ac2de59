"""Blobs behind an Alt-DA server: where a job's blobs go, under what they are kept, and what unattested batches name.

Locks: `batch_jobs` and `batch_transactions`, exclusively, for a moment. Deploy: before the code that needs it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012_data_layers"
down_revision = "0011_reader_role"
branch_labels = None
depends_on = None

STATES = "state IN ('selected', 'encoded', 'posted', {}'attested', 'committed', 'finalized', 'voided', 'superseded', 'faulted')"
PURPOSES = "purpose IN ('authorize', 'post', 'relay', 'commit', 'finalize', 'refund'{})"
READER = "tributary_reader"
COMMITMENTS = """
CREATE TABLE data_commitments (
    batch_id BIGINT NOT NULL CONSTRAINT ck_data_commitments_batch_id_range CHECK (batch_id >= 0),
    data_commitment BYTEA NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_data_commitments_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_data_commitments_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_data_commitments_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_data_commitments_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_data_commitments PRIMARY KEY (chain_id, block_hash, log_index)
)
"""


def upgrade() -> None:
    op.add_column(
        "batch_jobs", sa.Column("data_layer", sa.Text(), server_default=sa.text("'ethereum'"), nullable=False)
    )
    op.add_column("batch_jobs", sa.Column("data_commitment", sa.LargeBinary()))
    op.add_column("batch_jobs", sa.Column("void_fault", sa.Text()))
    op.create_check_constraint(
        op.f("ck_batch_jobs_data_layer_known"), "batch_jobs", "data_layer IN ('ethereum', 'altda')"
    )
    _check("batch_jobs", "state_known", STATES.format("'stored', "))
    _check("batch_transactions", "purpose_known", PURPOSES.format(", 'post_demanded', 'answer'"))
    op.execute(COMMITMENTS)
    for column in ("batch_id", "block_number"):
        op.create_index(op.f(f"ix_data_commitments_{column}"), "data_commitments", [column])
    op.execute(f"""
        DO $$ BEGIN
            GRANT SELECT ON data_commitments TO {READER};
        EXCEPTION WHEN undefined_object OR insufficient_privilege THEN
            NULL;  -- the role was left out here
        END $$
    """)


def downgrade() -> None:
    op.drop_table("data_commitments")
    _check("batch_transactions", "purpose_known", PURPOSES.format(""))
    _check("batch_jobs", "state_known", STATES.format(""))
    for column in ("void_fault", "data_commitment", "data_layer"):
        op.drop_column("batch_jobs", column)


def _check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
