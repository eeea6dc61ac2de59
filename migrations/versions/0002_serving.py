"""The gateway's tables: lanes, open requests, issued receipts, payers' caps, keys and stored answers.

Runs before the deploy of the gateway. Locks nothing: it only creates tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_serving"
down_revision = "0001_indexer"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lanes",
        sa.Column("operator", sa.LargeBinary(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("ledger_address", sa.LargeBinary(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("collected_seq", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("database_identity", sa.Text(), nullable=False),
        sa.Column("closed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("chain_id >= 0", name=op.f("ck_lanes_chain_id_range")),
        sa.CheckConstraint("collected_seq <= next_seq", name=op.f("ck_lanes_collected_seq_order")),
        sa.CheckConstraint("collected_seq >= 0", name=op.f("ck_lanes_collected_seq_range")),
        sa.CheckConstraint("epoch >= 0", name=op.f("ck_lanes_epoch_range")),
        sa.CheckConstraint("lane BETWEEN 0 AND 65535", name=op.f("ck_lanes_lane_range")),
        sa.CheckConstraint("next_seq >= 0", name=op.f("ck_lanes_next_seq_range")),
        sa.CheckConstraint("octet_length(ledger_address) = 20", name=op.f("ck_lanes_ledger_address_length")),
        sa.CheckConstraint("octet_length(operator) = 20", name=op.f("ck_lanes_operator_length")),
        sa.PrimaryKeyConstraint("operator", "lane", name=op.f("pk_lanes")),
    )
    op.create_table(
        "intents",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("operator", sa.LargeBinary(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("payer", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("exposure_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("input_price_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("output_price_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("input_units", sa.Integer(), nullable=False),
        sa.Column("output_units", sa.Integer(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("response_hash", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("asset_id BETWEEN 0 AND 4294967295", name=op.f("ck_intents_asset_id_range")),
        sa.CheckConstraint("checkpoint_ms BETWEEN 0 AND 4294967295", name=op.f("ck_intents_checkpoint_ms_range")),
        sa.CheckConstraint("epoch >= 0", name=op.f("ck_intents_epoch_range")),
        sa.CheckConstraint("exposure_units >= 0", name=op.f("ck_intents_exposure_units_sign")),
        sa.CheckConstraint("input_price_units >= 0", name=op.f("ck_intents_input_price_units_sign")),
        sa.CheckConstraint("input_units BETWEEN 0 AND 16777215", name=op.f("ck_intents_input_units_range")),
        sa.CheckConstraint("lane BETWEEN 0 AND 65535", name=op.f("ck_intents_lane_range")),
        sa.CheckConstraint("octet_length(body_sha256) = 32", name=op.f("ck_intents_body_sha256_length")),
        sa.CheckConstraint("octet_length(operator) = 20", name=op.f("ck_intents_operator_length")),
        sa.CheckConstraint("octet_length(payer) = 20", name=op.f("ck_intents_payer_length")),
        sa.CheckConstraint("octet_length(request_hash) = 32", name=op.f("ck_intents_request_hash_length")),
        sa.CheckConstraint("octet_length(response_hash) = 32", name=op.f("ck_intents_response_hash_length")),
        sa.CheckConstraint("octet_length(salt) = 32", name=op.f("ck_intents_salt_length")),
        sa.CheckConstraint("output_price_units >= 0", name=op.f("ck_intents_output_price_units_sign")),
        sa.CheckConstraint("output_units BETWEEN 0 AND 16777215", name=op.f("ck_intents_output_units_range")),
        sa.CheckConstraint("started_at BETWEEN 0 AND 1099511627775", name=op.f("ck_intents_started_at_range")),
        sa.ForeignKeyConstraint(
            ["operator", "lane"], ["lanes.operator", "lanes.lane"], name=op.f("fk_intents_operator_lane_lanes")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_intents")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_intents_operator_lane_epoch", "intents", ["operator", "lane", "epoch"], unique=False)
    op.create_table(
        "issued_receipts",
        sa.Column("operator", sa.LargeBinary(), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("payer", sa.LargeBinary(), nullable=False),
        sa.Column("asset_id", sa.BigInteger(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("response_hash", sa.LargeBinary(), nullable=False),
        sa.Column("input_units", sa.Integer(), nullable=False),
        sa.Column("output_units", sa.Integer(), nullable=False),
        sa.Column("fee_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("attribution_hash", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("attribution_set", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("finish_reason", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("issued_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('complete', 'client_disconnect', 'engine_error', 'undelivered', 'recovered')",
            name=op.f("ck_issued_receipts_outcome_known"),
        ),
        sa.CheckConstraint("asset_id BETWEEN 0 AND 4294967295", name=op.f("ck_issued_receipts_asset_id_range")),
        sa.CheckConstraint("duration_ms BETWEEN 0 AND 4294967295", name=op.f("ck_issued_receipts_duration_ms_range")),
        sa.CheckConstraint("fee_units >= 0", name=op.f("ck_issued_receipts_fee_units_sign")),
        sa.CheckConstraint("input_units BETWEEN 0 AND 16777215", name=op.f("ck_issued_receipts_input_units_range")),
        sa.CheckConstraint("lane BETWEEN 0 AND 65535", name=op.f("ck_issued_receipts_lane_range")),
        sa.CheckConstraint(
            "octet_length(attribution_hash) = 32", name=op.f("ck_issued_receipts_attribution_hash_length")
        ),
        sa.CheckConstraint("octet_length(body_sha256) = 32", name=op.f("ck_issued_receipts_body_sha256_length")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_issued_receipts_digest_length")),
        sa.CheckConstraint("octet_length(operator) = 20", name=op.f("ck_issued_receipts_operator_length")),
        sa.CheckConstraint("octet_length(payer) = 20", name=op.f("ck_issued_receipts_payer_length")),
        sa.CheckConstraint("octet_length(request_hash) = 32", name=op.f("ck_issued_receipts_request_hash_length")),
        sa.CheckConstraint("octet_length(response_hash) = 32", name=op.f("ck_issued_receipts_response_hash_length")),
        sa.CheckConstraint("octet_length(salt) = 32", name=op.f("ck_issued_receipts_salt_length")),
        sa.CheckConstraint("octet_length(signature) = 65", name=op.f("ck_issued_receipts_signature_length")),
        sa.CheckConstraint("octet_length(signer) = 20", name=op.f("ck_issued_receipts_signer_length")),
        sa.CheckConstraint("output_units BETWEEN 0 AND 16777215", name=op.f("ck_issued_receipts_output_units_range")),
        sa.CheckConstraint("seq >= 0", name=op.f("ck_issued_receipts_seq_range")),
        sa.CheckConstraint("started_at BETWEEN 0 AND 1099511627775", name=op.f("ck_issued_receipts_started_at_range")),
        sa.ForeignKeyConstraint(
            ["operator", "lane"], ["lanes.operator", "lanes.lane"], name=op.f("fk_issued_receipts_operator_lane_lanes")
        ),
        sa.PrimaryKeyConstraint("operator", "lane", "seq", name=op.f("pk_issued_receipts")),
    )
    op.create_index("uq_issued_receipts_request_id", "issued_receipts", ["request_id"], unique=True)
    op.create_table(
        "spend_authorizations",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.LargeBinary(), nullable=False),
        sa.Column("cap_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("cap_units >= 0", name=op.f("ck_spend_authorizations_cap_units_sign")),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_spend_authorizations_digest_length")),
        sa.CheckConstraint("octet_length(operator) = 20", name=op.f("ck_spend_authorizations_operator_length")),
        sa.CheckConstraint("octet_length(payer) = 20", name=op.f("ck_spend_authorizations_payer_length")),
        sa.CheckConstraint("octet_length(signature) = 65", name=op.f("ck_spend_authorizations_signature_length")),
        sa.CheckConstraint("octet_length(signer) = 20", name=op.f("ck_spend_authorizations_signer_length")),
        sa.CheckConstraint(
            "valid_until BETWEEN 0 AND 1099511627775", name=op.f("ck_spend_authorizations_valid_until_range")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_spend_authorizations")),
    )
    op.create_index(
        "ix_spend_authorizations_operator_payer_cap",
        "spend_authorizations",
        ["operator", "payer", "cap_units"],
        unique=False,
    )
    op.create_table(
        "spend_accounts",
        sa.Column("operator", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.LargeBinary(), nullable=False),
        sa.Column("balance_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("thawing_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("debt_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("collected_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("cap_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("uncollected_units", sa.Numeric(78, 0), nullable=False),
        sa.Column("held_units", sa.Numeric(78, 0), nullable=False),
        sa.Column(
            "spendable_units",
            sa.Numeric(78, 0),
            sa.Computed(
                "LEAST(balance_units - thawing_units - debt_units, cap_units - collected_units) - uncollected_units - held_units",
            ),
            nullable=False,
        ),
        sa.Column("block_number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("balance_units >= 0", name=op.f("ck_spend_accounts_balance_units_sign")),
        sa.CheckConstraint("block_number >= 0", name=op.f("ck_spend_accounts_block_number_range")),
        sa.CheckConstraint("cap_units >= 0", name=op.f("ck_spend_accounts_cap_units_sign")),
        sa.CheckConstraint("collected_units >= 0", name=op.f("ck_spend_accounts_collected_units_sign")),
        sa.CheckConstraint("debt_units >= 0", name=op.f("ck_spend_accounts_debt_units_sign")),
        sa.CheckConstraint("held_units >= 0", name=op.f("ck_spend_accounts_held_units_sign")),
        sa.CheckConstraint("octet_length(operator) = 20", name=op.f("ck_spend_accounts_operator_length")),
        sa.CheckConstraint("octet_length(payer) = 20", name=op.f("ck_spend_accounts_payer_length")),
        sa.CheckConstraint("thawing_units >= 0", name=op.f("ck_spend_accounts_thawing_units_sign")),
        sa.CheckConstraint("uncollected_units >= 0", name=op.f("ck_spend_accounts_uncollected_units_sign")),
        sa.CheckConstraint("valid_until BETWEEN 0 AND 1099511627775", name=op.f("ck_spend_accounts_valid_until_range")),
        sa.PrimaryKeyConstraint("operator", "payer", name=op.f("pk_spend_accounts")),
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.LargeBinary(), nullable=False),
        sa.Column("operator", sa.LargeBinary(), nullable=False),
        sa.Column("authorization_digest", sa.LargeBinary(), nullable=True),
        sa.Column("label", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "octet_length(authorization_digest) = 32", name=op.f("ck_api_keys_authorization_digest_length")
        ),
        sa.CheckConstraint("octet_length(key_hash) = 32", name=op.f("ck_api_keys_key_hash_length")),
        sa.CheckConstraint("octet_length(operator) = 20", name=op.f("ck_api_keys_operator_length")),
        sa.CheckConstraint("octet_length(payer) = 20", name=op.f("ck_api_keys_payer_length")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
    )
    op.create_index("uq_api_keys_authorization_digest", "api_keys", ["authorization_digest"], unique=True)
    op.create_index("uq_api_keys_key_hash", "api_keys", ["key_hash"], unique=True)
    op.create_table(
        "stored_answers",
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("streamed", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("status BETWEEN 100 AND 599", name=op.f("ck_stored_answers_status_range")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_stored_answers")),
    )
    op.create_index("ix_stored_answers_expires_at", "stored_answers", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_table("stored_answers")
    op.drop_table("api_keys")
    op.drop_table("spend_accounts")
    op.drop_table("spend_authorizations")
    op.drop_table("issued_receipts")
    op.drop_table("intents")
    op.drop_table("lanes")
