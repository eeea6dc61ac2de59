CREATE TABLE prices (
    operator BYTEA NOT NULL CONSTRAINT ck_prices_operator_length CHECK (octet_length(operator) = 20),
    asset_id BIGINT NOT NULL CONSTRAINT ck_prices_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    input_price_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_prices_input_price_units_sign CHECK (input_price_units >= 0),
    output_price_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_prices_output_price_units_sign CHECK (output_price_units >= 0),
    effective_at BIGINT NOT NULL CONSTRAINT ck_prices_effective_at_range CHECK (effective_at BETWEEN 0 AND 1099511627775),
    chain_id BIGINT NOT NULL CONSTRAINT ck_prices_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_prices_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_prices_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_prices_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_prices PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_prices_block_number ON prices (block_number);
CREATE INDEX ix_prices_operator_asset_id_effective_at ON prices (operator, asset_id, effective_at);

CREATE TABLE lane_keys (
    operator BYTEA NOT NULL CONSTRAINT ck_lane_keys_operator_length CHECK (octet_length(operator) = 20),
    lane INTEGER NOT NULL CONSTRAINT ck_lane_keys_lane_range CHECK (lane BETWEEN 0 AND 65535),
    key BYTEA NOT NULL CONSTRAINT ck_lane_keys_key_length CHECK (octet_length(key) = 20),
    block_number BIGINT NOT NULL CONSTRAINT ck_lane_keys_block_number_range CHECK (block_number >= 0),
    log_index INTEGER NOT NULL CONSTRAINT ck_lane_keys_log_index_range CHECK (log_index >= 0),
    added_at BIGINT NOT NULL CONSTRAINT ck_lane_keys_added_at_range CHECK (added_at BETWEEN 0 AND 1099511627775),
    revoked_at BIGINT CONSTRAINT ck_lane_keys_revoked_at_range CHECK (revoked_at BETWEEN 0 AND 1099511627775),
    revoked_block_number BIGINT CONSTRAINT ck_lane_keys_revoked_block_number_range CHECK (revoked_block_number >= 0),
    revoked_block_hash BYTEA CONSTRAINT ck_lane_keys_revoked_block_hash_length CHECK (octet_length(revoked_block_hash) = 32),
    revoked_log_index INTEGER CONSTRAINT ck_lane_keys_revoked_log_index_range CHECK (revoked_log_index >= 0),
    chain_id BIGINT NOT NULL CONSTRAINT ck_lane_keys_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_lane_keys_block_hash_length CHECK (octet_length(block_hash) = 32),
    CONSTRAINT pk_lane_keys PRIMARY KEY (operator, lane, key, block_number, log_index),
    CONSTRAINT uq_lane_keys_chain_id_block_hash_log_index UNIQUE (chain_id, block_hash, log_index)
);
CREATE INDEX ix_lane_keys_block_number ON lane_keys (block_number);
CREATE INDEX ix_lane_keys_operator_lane_key ON lane_keys (operator, lane, key);
CREATE INDEX ix_lane_keys_revoked_block_number ON lane_keys (revoked_block_number);
