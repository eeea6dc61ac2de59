CREATE TABLE distribution_roots (
    root_index BIGINT NOT NULL CONSTRAINT ck_distribution_roots_root_index_range CHECK (root_index >= 0),
    root BYTEA NOT NULL CONSTRAINT ck_distribution_roots_root_length CHECK (octet_length(root) = 32),
    total_cumulative_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_distribution_roots_total_cumulative_units_sign CHECK (total_cumulative_units >= 0),
    through_l2_block BIGINT NOT NULL CONSTRAINT ck_distribution_roots_through_l2_block_range CHECK (through_l2_block >= 0),
    through_l2_block_hash BYTEA NOT NULL CONSTRAINT ck_distribution_roots_through_l2_block_hash_length CHECK (octet_length(through_l2_block_hash) = 32),
    data_hash BYTEA NOT NULL CONSTRAINT ck_distribution_roots_data_hash_length CHECK (octet_length(data_hash) = 32),
    activates_at BIGINT NOT NULL CONSTRAINT ck_distribution_roots_activates_at_range CHECK (activates_at BETWEEN 0 AND 1099511627775),
    attesters BYTEA[] NOT NULL,
    tx_hash BYTEA NOT NULL CONSTRAINT ck_distribution_roots_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    disabled_by BYTEA CONSTRAINT ck_distribution_roots_disabled_by_length CHECK (octet_length(disabled_by) = 20),
    disabled_block_number BIGINT CONSTRAINT ck_distribution_roots_disabled_block_number_range CHECK (disabled_block_number >= 0),
    disabled_block_hash BYTEA CONSTRAINT ck_distribution_roots_disabled_block_hash_length CHECK (octet_length(disabled_block_hash) = 32),
    disabled_log_index INTEGER CONSTRAINT ck_distribution_roots_disabled_log_index_range CHECK (disabled_log_index >= 0),
    chain_id BIGINT NOT NULL CONSTRAINT ck_distribution_roots_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_distribution_roots_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_distribution_roots_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_distribution_roots_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_distribution_roots PRIMARY KEY (root_index)
);
CREATE INDEX ix_distribution_roots_block_number ON distribution_roots (block_number);
CREATE INDEX ix_distribution_roots_disabled_block_number ON distribution_roots (disabled_block_number);

CREATE TABLE claims (
    payee BYTEA NOT NULL CONSTRAINT ck_claims_payee_length CHECK (octet_length(payee) = 20),
    recipient BYTEA NOT NULL CONSTRAINT ck_claims_recipient_length CHECK (octet_length(recipient) = 20),
    root_index BIGINT NOT NULL CONSTRAINT ck_claims_root_index_range CHECK (root_index >= 0),
    amount_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_claims_amount_units_sign CHECK (amount_units >= 0),
    cumulative_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_claims_cumulative_units_sign CHECK (cumulative_units >= 0),
    tx_hash BYTEA NOT NULL CONSTRAINT ck_claims_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    chain_id BIGINT NOT NULL CONSTRAINT ck_claims_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_claims_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_claims_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_claims_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_claims PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_claims_block_number ON claims (block_number);
CREATE INDEX ix_claims_payee ON claims (payee);
CREATE INDEX ix_claims_root_index ON claims (root_index);

CREATE TABLE skipped_claims (
    payee BYTEA NOT NULL CONSTRAINT ck_skipped_claims_payee_length CHECK (octet_length(payee) = 20),
    root_index BIGINT NOT NULL CONSTRAINT ck_skipped_claims_root_index_range CHECK (root_index >= 0),
    reason BYTEA NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_skipped_claims_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_skipped_claims_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_skipped_claims_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_skipped_claims_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_skipped_claims PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_skipped_claims_block_number ON skipped_claims (block_number);
CREATE INDEX ix_skipped_claims_payee ON skipped_claims (payee);

CREATE TABLE recipients (
    payee BYTEA NOT NULL CONSTRAINT ck_recipients_payee_length CHECK (octet_length(payee) = 20),
    recipient BYTEA NOT NULL CONSTRAINT ck_recipients_recipient_length CHECK (octet_length(recipient) = 20),
    chain_id BIGINT NOT NULL CONSTRAINT ck_recipients_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_recipients_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_recipients_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_recipients_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_recipients PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_recipients_block_number ON recipients (block_number);
CREATE INDEX ix_recipients_payee ON recipients (payee);
