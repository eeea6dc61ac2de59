CREATE TABLE blocks (
    chain_id BIGINT NOT NULL CONSTRAINT ck_blocks_chain_id_range CHECK (chain_id >= 0),
    number BIGINT NOT NULL CONSTRAINT ck_blocks_number_range CHECK (number >= 0),
    hash BYTEA NOT NULL CONSTRAINT ck_blocks_hash_length CHECK (octet_length(hash) = 32),
    parent_hash BYTEA NOT NULL CONSTRAINT ck_blocks_parent_hash_length CHECK (octet_length(parent_hash) = 32),
    timestamp BIGINT NOT NULL CONSTRAINT ck_blocks_timestamp_range CHECK (timestamp BETWEEN 0 AND 1099511627775),
    CONSTRAINT pk_blocks PRIMARY KEY (chain_id, number)
);

CREATE TABLE heads (
    chain_id BIGINT NOT NULL CONSTRAINT ck_heads_chain_id_range CHECK (chain_id >= 0),
    tag TEXT NOT NULL,
    number BIGINT NOT NULL CONSTRAINT ck_heads_number_range CHECK (number >= 0),
    hash BYTEA NOT NULL CONSTRAINT ck_heads_hash_length CHECK (octet_length(hash) = 32),
    timestamp BIGINT NOT NULL CONSTRAINT ck_heads_timestamp_range CHECK (timestamp BETWEEN 0 AND 1099511627775),
    CONSTRAINT pk_heads PRIMARY KEY (chain_id, tag)
);

CREATE TABLE cursors (
    chain_id BIGINT NOT NULL CONSTRAINT ck_cursors_chain_id_range CHECK (chain_id >= 0),
    number BIGINT NOT NULL CONSTRAINT ck_cursors_number_range CHECK (number >= 0),
    hash BYTEA NOT NULL CONSTRAINT ck_cursors_hash_length CHECK (octet_length(hash) = 32),
    deployment_hash BYTEA NOT NULL CONSTRAINT ck_cursors_deployment_hash_length CHECK (octet_length(deployment_hash) = 32),
    reorgs INTEGER NOT NULL CONSTRAINT ck_cursors_reorgs_range CHECK (reorgs >= 0),
    deepest_reorg_blocks INTEGER NOT NULL CONSTRAINT ck_cursors_deepest_reorg_blocks_range CHECK (deepest_reorg_blocks >= 0),
    CONSTRAINT pk_cursors PRIMARY KEY (chain_id)
);

CREATE TABLE deployments (
    l2_chain_id BIGINT NOT NULL CONSTRAINT ck_deployments_l2_chain_id_range CHECK (l2_chain_id >= 0),
    l1_chain_id BIGINT NOT NULL CONSTRAINT ck_deployments_l1_chain_id_range CHECK (l1_chain_id >= 0),
    document JSONB NOT NULL,
    deployment_hash BYTEA NOT NULL CONSTRAINT ck_deployments_deployment_hash_length CHECK (octet_length(deployment_hash) = 32),
    CONSTRAINT pk_deployments PRIMARY KEY (l2_chain_id)
);

CREATE TABLE events (
    timestamp BIGINT NOT NULL CONSTRAINT ck_events_timestamp_range CHECK (timestamp BETWEEN 0 AND 1099511627775),
    tx_hash BYTEA NOT NULL CONSTRAINT ck_events_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    address BYTEA NOT NULL CONSTRAINT ck_events_address_length CHECK (octet_length(address) = 20),
    name TEXT,
    args JSONB NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_events_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_events_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_events_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_events_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_events PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_events_block_number ON events (block_number);
CREATE INDEX ix_events_name_block_number_log_index ON events (name, block_number, log_index);
CREATE INDEX ix_events_tx_hash ON events (tx_hash);
