CREATE TABLE assets (
    asset_id BIGINT NOT NULL CONSTRAINT ck_assets_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    kind TEXT NOT NULL CONSTRAINT ck_assets_kind CHECK (kind IN ('model', 'adapter', 'dataset')),
    content_hash BYTEA NOT NULL CONSTRAINT ck_assets_content_hash_length CHECK (octet_length(content_hash) = 32),
    registrant BYTEA NOT NULL CONSTRAINT ck_assets_registrant_length CHECK (octet_length(registrant) = 20),
    uri TEXT NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_assets_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_assets_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_assets_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_assets_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_assets PRIMARY KEY (asset_id),
    CONSTRAINT uq_assets_content_hash UNIQUE (content_hash)
);
CREATE INDEX ix_assets_block_number ON assets (block_number);
CREATE INDEX ix_assets_registrant ON assets (registrant);

CREATE TABLE asset_owners (
    asset_id BIGINT NOT NULL CONSTRAINT ck_asset_owners_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    block_number BIGINT NOT NULL CONSTRAINT ck_asset_owners_block_number_range CHECK (block_number >= 0),
    log_index INTEGER NOT NULL,
    owner BYTEA NOT NULL CONSTRAINT ck_asset_owners_owner_length CHECK (octet_length(owner) = 20),
    chain_id BIGINT NOT NULL CONSTRAINT ck_asset_owners_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_asset_owners_block_hash_length CHECK (octet_length(block_hash) = 32),
    CONSTRAINT pk_asset_owners PRIMARY KEY (asset_id, block_number, log_index),
    CONSTRAINT uq_asset_owners_chain_id_block_hash_log_index UNIQUE (chain_id, block_hash, log_index)
);
CREATE INDEX ix_asset_owners_block_number ON asset_owners (block_number);
CREATE INDEX ix_asset_owners_owner ON asset_owners (owner);

CREATE TABLE terms (
    asset_id BIGINT NOT NULL CONSTRAINT ck_terms_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    version BIGINT NOT NULL CONSTRAINT ck_terms_version_range CHECK (version BETWEEN 0 AND 4294967295),
    effective_at BIGINT NOT NULL CONSTRAINT ck_terms_effective_at_range CHECK (effective_at BETWEEN 0 AND 1099511627775),
    royalty_ppm INTEGER NOT NULL CONSTRAINT ck_terms_royalty_ppm_range CHECK (royalty_ppm BETWEEN 0 AND 1000000),
    data_ppm INTEGER NOT NULL CONSTRAINT ck_terms_data_ppm_range CHECK (data_ppm BETWEEN 0 AND 1000000),
    min_child_ppm INTEGER NOT NULL CONSTRAINT ck_terms_min_child_ppm_range CHECK (min_child_ppm BETWEEN 0 AND 1000000),
    floor_input_price_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_terms_floor_input_price_units_sign CHECK (floor_input_price_units >= 0),
    floor_output_price_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_terms_floor_output_price_units_sign CHECK (floor_output_price_units >= 0),
    mode TEXT NOT NULL CONSTRAINT ck_terms_mode CHECK (mode IN ('fixed', 'operator')),
    chain_id BIGINT NOT NULL CONSTRAINT ck_terms_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_terms_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_terms_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_terms_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_terms PRIMARY KEY (asset_id, version)
);
CREATE INDEX ix_terms_asset_id_effective_at ON terms (asset_id, effective_at);
CREATE INDEX ix_terms_block_number ON terms (block_number);

CREATE TABLE splits (
    asset_id BIGINT NOT NULL CONSTRAINT ck_splits_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    version BIGINT NOT NULL CONSTRAINT ck_splits_version_range CHECK (version BETWEEN 0 AND 4294967295),
    position SMALLINT NOT NULL CONSTRAINT ck_splits_position_range CHECK (position >= 0),
    payee BYTEA NOT NULL CONSTRAINT ck_splits_payee_length CHECK (octet_length(payee) = 20),
    ppm INTEGER NOT NULL CONSTRAINT ck_splits_ppm_range CHECK (ppm BETWEEN 0 AND 1000000),
    chain_id BIGINT NOT NULL CONSTRAINT ck_splits_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_splits_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_splits_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_splits_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_splits PRIMARY KEY (asset_id, version, position)
);
CREATE INDEX ix_splits_block_number ON splits (block_number);
CREATE INDEX ix_splits_payee ON splits (payee);

CREATE TABLE parents (
    asset_id BIGINT NOT NULL CONSTRAINT ck_parents_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    version BIGINT NOT NULL CONSTRAINT ck_parents_version_range CHECK (version BETWEEN 0 AND 4294967295),
    position SMALLINT NOT NULL CONSTRAINT ck_parents_position_range CHECK (position >= 0),
    parent_asset_id BIGINT NOT NULL CONSTRAINT ck_parents_parent_asset_id_range CHECK (parent_asset_id BETWEEN 0 AND 4294967295),
    ppm INTEGER NOT NULL CONSTRAINT ck_parents_ppm_range CHECK (ppm BETWEEN 0 AND 1000000),
    chain_id BIGINT NOT NULL CONSTRAINT ck_parents_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_parents_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_parents_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_parents_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_parents PRIMARY KEY (asset_id, version, position)
);
CREATE INDEX ix_parents_block_number ON parents (block_number);
CREATE INDEX ix_parents_parent_asset_id ON parents (parent_asset_id);

CREATE TABLE admitted_datasets (
    asset_id BIGINT NOT NULL CONSTRAINT ck_admitted_datasets_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    version BIGINT NOT NULL CONSTRAINT ck_admitted_datasets_version_range CHECK (version BETWEEN 0 AND 4294967295),
    position SMALLINT NOT NULL CONSTRAINT ck_admitted_datasets_position_range CHECK (position >= 0),
    dataset_id BIGINT NOT NULL CONSTRAINT ck_admitted_datasets_dataset_id_range CHECK (dataset_id BETWEEN 0 AND 4294967295),
    chain_id BIGINT NOT NULL CONSTRAINT ck_admitted_datasets_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_admitted_datasets_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_admitted_datasets_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_admitted_datasets_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_admitted_datasets PRIMARY KEY (asset_id, version, position)
);
CREATE INDEX ix_admitted_datasets_block_number ON admitted_datasets (block_number);
CREATE INDEX ix_admitted_datasets_dataset_id ON admitted_datasets (dataset_id);

CREATE TABLE effective_shares (
    asset_id BIGINT NOT NULL CONSTRAINT ck_effective_shares_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    version BIGINT NOT NULL CONSTRAINT ck_effective_shares_version_range CHECK (version BETWEEN 0 AND 4294967295),
    position SMALLINT NOT NULL CONSTRAINT ck_effective_shares_position_range CHECK (position >= 0),
    payee BYTEA NOT NULL CONSTRAINT ck_effective_shares_payee_length CHECK (octet_length(payee) = 20),
    share BIGINT NOT NULL CONSTRAINT ck_effective_shares_share_range CHECK (share BETWEEN 0 AND 1000000000000),
    chain_id BIGINT NOT NULL CONSTRAINT ck_effective_shares_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_effective_shares_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_effective_shares_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_effective_shares_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_effective_shares PRIMARY KEY (asset_id, version, position)
);
CREATE INDEX ix_effective_shares_block_number ON effective_shares (block_number);
CREATE INDEX ix_effective_shares_payee ON effective_shares (payee);
