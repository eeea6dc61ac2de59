CREATE TABLE contributor_lists (
    list_id BIGINT NOT NULL CONSTRAINT ck_contributor_lists_list_id_range CHECK (list_id BETWEEN 0 AND 4294967295),
    payee BYTEA NOT NULL CONSTRAINT ck_contributor_lists_payee_length CHECK (octet_length(payee) = 20),
    publisher BYTEA NOT NULL CONSTRAINT ck_contributor_lists_publisher_length CHECK (octet_length(publisher) = 20),
    root BYTEA NOT NULL CONSTRAINT ck_contributor_lists_root_length CHECK (octet_length(root) = 32),
    count INTEGER NOT NULL CONSTRAINT ck_contributor_lists_count_range CHECK (count >= 0),
    total_weight NUMERIC(78, 0) NOT NULL CONSTRAINT ck_contributor_lists_total_weight_sign CHECK (total_weight >= 0),
    completed_block_number BIGINT CONSTRAINT ck_contributor_lists_completed_block_number_range CHECK (completed_block_number >= 0),
    completed_block_hash BYTEA CONSTRAINT ck_contributor_lists_completed_block_hash_length CHECK (octet_length(completed_block_hash) = 32),
    completed_log_index INTEGER CONSTRAINT ck_contributor_lists_completed_log_index_range CHECK (completed_log_index >= 0),
    chain_id BIGINT NOT NULL CONSTRAINT ck_contributor_lists_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_contributor_lists_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_contributor_lists_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_contributor_lists_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_contributor_lists PRIMARY KEY (list_id),
    CONSTRAINT uq_contributor_lists_payee UNIQUE (payee),
    CONSTRAINT ck_contributor_lists_weights CHECK (count >= 1 AND total_weight >= count)
);
CREATE INDEX ix_contributor_lists_block_number ON contributor_lists (block_number);
CREATE INDEX ix_contributor_lists_completed_block_number ON contributor_lists (completed_block_number);
CREATE INDEX ix_contributor_lists_publisher ON contributor_lists (publisher);

CREATE TABLE contributors (
    list_id BIGINT NOT NULL CONSTRAINT ck_contributors_list_id_range CHECK (list_id BETWEEN 0 AND 4294967295),
    position INTEGER NOT NULL CONSTRAINT ck_contributors_position_range CHECK (position >= 0),
    contributor BYTEA NOT NULL CONSTRAINT ck_contributors_contributor_length CHECK (octet_length(contributor) = 20),
    weight NUMERIC(78, 0) NOT NULL CONSTRAINT ck_contributors_weight_sign CHECK (weight >= 0),
    cumulative_weight NUMERIC(78, 0) NOT NULL CONSTRAINT ck_contributors_cumulative_weight_sign CHECK (cumulative_weight >= 0),
    chain_id BIGINT NOT NULL CONSTRAINT ck_contributors_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_contributors_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_contributors_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_contributors_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_contributors PRIMARY KEY (list_id, position),
    CONSTRAINT uq_contributors_contributor_list_id UNIQUE (contributor, list_id),
    CONSTRAINT ck_contributors_weights CHECK (weight >= 1 AND cumulative_weight >= weight)
);
CREATE INDEX ix_contributors_block_number ON contributors (block_number);
