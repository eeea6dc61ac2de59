CREATE TABLE spending_caps (
    payer BYTEA NOT NULL CONSTRAINT ck_spending_caps_payer_length CHECK (octet_length(payer) = 20),
    operator BYTEA NOT NULL CONSTRAINT ck_spending_caps_operator_length CHECK (octet_length(operator) = 20),
    cap_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_spending_caps_cap_units_sign CHECK (cap_units >= 0),
    valid_until BIGINT NOT NULL CONSTRAINT ck_spending_caps_valid_until_range CHECK (valid_until BETWEEN 0 AND 1099511627775),
    effective_at BIGINT NOT NULL CONSTRAINT ck_spending_caps_effective_at_range CHECK (effective_at BETWEEN 0 AND 1099511627775),
    chain_id BIGINT NOT NULL CONSTRAINT ck_spending_caps_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_spending_caps_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_spending_caps_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_spending_caps_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_spending_caps PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_spending_caps_block_number ON spending_caps (block_number);
CREATE INDEX ix_spending_caps_operator ON spending_caps (operator);
CREATE INDEX ix_spending_caps_payer_operator ON spending_caps (payer, operator);

CREATE TABLE thaws (
    payer BYTEA NOT NULL CONSTRAINT ck_thaws_payer_length CHECK (octet_length(payer) = 20),
    operator BYTEA NOT NULL CONSTRAINT ck_thaws_operator_length CHECK (octet_length(operator) = 20),
    amount_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_thaws_amount_units_sign CHECK (amount_units >= 0),
    thaw_end BIGINT CONSTRAINT ck_thaws_thaw_end_range CHECK (thaw_end BETWEEN 0 AND 1099511627775),
    chain_id BIGINT NOT NULL CONSTRAINT ck_thaws_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_thaws_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_thaws_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_thaws_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_thaws PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_thaws_block_number ON thaws (block_number);
CREATE INDEX ix_thaws_payer_operator ON thaws (payer, operator);

CREATE TABLE session_keys (
    payer BYTEA NOT NULL CONSTRAINT ck_session_keys_payer_length CHECK (octet_length(payer) = 20),
    key BYTEA NOT NULL CONSTRAINT ck_session_keys_key_length CHECK (octet_length(key) = 20),
    action TEXT NOT NULL CONSTRAINT ck_session_keys_action CHECK (action IN ('registered', 'revoked')),
    effective_at BIGINT NOT NULL CONSTRAINT ck_session_keys_effective_at_range CHECK (effective_at BETWEEN 0 AND 1099511627775),
    chain_id BIGINT NOT NULL CONSTRAINT ck_session_keys_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_session_keys_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_session_keys_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_session_keys_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_session_keys PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_session_keys_block_number ON session_keys (block_number);
CREATE INDEX ix_session_keys_payer_key ON session_keys (payer, key);

CREATE TABLE debts (
    payer BYTEA NOT NULL CONSTRAINT ck_debts_payer_length CHECK (octet_length(payer) = 20),
    operator BYTEA NOT NULL CONSTRAINT ck_debts_operator_length CHECK (octet_length(operator) = 20),
    batch_id BIGINT CONSTRAINT ck_debts_batch_id_range CHECK (batch_id >= 0),
    amount_units NUMERIC(78, 0) NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_debts_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_debts_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_debts_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_debts_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_debts PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_debts_block_number ON debts (block_number);
CREATE INDEX ix_debts_payer_operator ON debts (payer, operator);
