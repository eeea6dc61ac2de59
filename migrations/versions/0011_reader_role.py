"""The role by which the API reads: what the chains say and what was published of it, no key, no salt, no answer.

Locks: none that matter. Deploy: any time; the API takes the role where its login is a member of it
(`GRANT tributary_reader TO <login>`), which a superuser always is. A migrating login that may not create roles leaves
it out; the API then reads with its own rights, in read-only transactions as before.
"""

from alembic import op

revision = "0011_reader_role"
down_revision = "0010_batch_records"
branch_labels = None
depends_on = None

ROLE = "tributary_reader"
WHOLE = (
    "admitted_datasets", "asset_owners", "assets", "attestations", "attribution_sets", "batch_sums", "batches",
    "blob_fetches", "blobs", "charges", "claims", "contributor_lists", "contributors", "cursors", "debts",
    "deployments", "distribution_files", "distribution_roots", "distribution_trees", "distributions",
    "effective_shares", "entitlements", "events", "findings", "heads", "lane_keys", "movements", "parents",
    "post_attestations", "posts", "prices", "receipts", "recipients", "session_keys", "skipped_claims",
    "spending_caps", "splits", "terms", "thaws", "unlicensed_uses",
)  # fmt: skip
OF_ISSUED_RECEIPTS = (
    "operator", "lane", "seq", "request_id", "payer", "asset_id", "request_hash", "response_hash", "input_units", "output_units",
    "fee_units", "attribution_hash", "started_at", "duration_ms", "digest", "signature", "signer", "attribution_set",
)  # fmt: skip


def upgrade() -> None:
    op.execute(f"""
        DO $$ BEGIN
            BEGIN
                CREATE ROLE {ROLE} NOLOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server has it already
            END;
            GRANT USAGE ON SCHEMA public TO {ROLE};
            GRANT SELECT ON {", ".join(WHOLE)} TO {ROLE};
            GRANT SELECT ({", ".join(OF_ISSUED_RECEIPTS)}) ON issued_receipts TO {ROLE};
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'the role {ROLE} is left out: this login may not create it';
        END $$
    """)


def downgrade() -> None:
    # The role may serve other databases of this server; only its rights here go.
    op.execute(f"""
        DO $$ BEGIN
            IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE};
                REVOKE ALL ON SCHEMA public FROM {ROLE};
            END IF;
        END $$
    """)  # noqa: S608  # the one name stands above
