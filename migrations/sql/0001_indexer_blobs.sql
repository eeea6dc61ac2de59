CREATE TABLE posts (
    post_hash BYTEA NOT NULL CONSTRAINT ck_posts_post_hash_length CHECK (octet_length(post_hash) = 32),
    poster BYTEA NOT NULL CONSTRAINT ck_posts_poster_length CHECK (octet_length(poster) = 20),
    l1_time BIGINT NOT NULL CONSTRAINT ck_posts_l1_time_range CHECK (l1_time BETWEEN 0 AND 1099511627775),
    versioned_hashes BYTEA[] NOT NULL,
    tx_hash BYTEA NOT NULL CONSTRAINT ck_posts_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    chain_id BIGINT NOT NULL CONSTRAINT ck_posts_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_posts_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_posts_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_posts_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_posts PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_posts_block_number ON posts (block_number);
CREATE INDEX ix_posts_post_hash ON posts (post_hash);

CREATE TABLE post_attestations (
    post_hash BYTEA NOT NULL CONSTRAINT ck_post_attestations_post_hash_length CHECK (octet_length(post_hash) = 32),
    l1_time BIGINT NOT NULL CONSTRAINT ck_post_attestations_l1_time_range CHECK (l1_time BETWEEN 0 AND 1099511627775),
    chain_id BIGINT NOT NULL CONSTRAINT ck_post_attestations_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_post_attestations_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_post_attestations_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_post_attestations_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_post_attestations PRIMARY KEY (chain_id, block_hash, log_index)
);
CREATE INDEX ix_post_attestations_block_number ON post_attestations (block_number);
CREATE INDEX ix_post_attestations_post_hash ON post_attestations (post_hash);

CREATE TABLE blobs (
    versioned_hash BYTEA NOT NULL CONSTRAINT ck_blobs_versioned_hash_length CHECK (octet_length(versioned_hash) = 32),
    kzg_commitment BYTEA NOT NULL CONSTRAINT ck_blobs_kzg_commitment_length CHECK (octet_length(kzg_commitment) = 48),
    CONSTRAINT pk_blobs PRIMARY KEY (versioned_hash)
);

CREATE TABLE blob_fetches (
    post_hash BYTEA NOT NULL CONSTRAINT ck_blob_fetches_post_hash_length CHECK (octet_length(post_hash) = 32),
    versioned_hashes BYTEA[] NOT NULL,
    attempts INTEGER NOT NULL CONSTRAINT ck_blob_fetches_attempts_range CHECK (attempts >= 0),
    next_attempt_at BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    CONSTRAINT pk_blob_fetches PRIMARY KEY (post_hash)
);
CREATE INDEX ix_blob_fetches_next_attempt_at ON blob_fetches (next_attempt_at);
