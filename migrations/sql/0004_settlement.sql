CREATE TABLE distribution_files (
    data_hash BYTEA NOT NULL,
    content BYTEA NOT NULL,
    CONSTRAINT pk_distribution_files PRIMARY KEY (data_hash),
    CONSTRAINT ck_distribution_files_data_hash_length CHECK (octet_length(data_hash) = 32)
);

CREATE TABLE distributions (
    distribution_id BIGINT GENERATED ALWAYS AS IDENTITY,
    chain_id BIGINT NOT NULL,
    distributor BYTEA NOT NULL,
    token BYTEA NOT NULL,
    root_index BIGINT NOT NULL,
    root BYTEA NOT NULL,
    total_cumulative_units NUMERIC(78, 0) NOT NULL,
    through_l2_block BIGINT NOT NULL,
    through_l2_block_hash BYTEA NOT NULL,
    data_hash BYTEA NOT NULL,
    fees_units NUMERIC(78, 0) NOT NULL,
    payees INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    activates_at BIGINT,
    computed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_distributions PRIMARY KEY (distribution_id),
    CONSTRAINT ck_distributions_state CHECK (state IN ('computed', 'attested', 'submitted', 'active', 'paying', 'paid', 'refused', 'disabled', 'superseded')),
    CONSTRAINT ck_distributions_distribution_id_range CHECK (distribution_id >= 0),
    CONSTRAINT ck_distributions_chain_id_range CHECK (chain_id >= 0),
    CONSTRAINT ck_distributions_distributor_length CHECK (octet_length(distributor) = 20),
    CONSTRAINT ck_distributions_token_length CHECK (octet_length(token) = 20),
    CONSTRAINT ck_distributions_root_index_range CHECK (root_index >= 0),
    CONSTRAINT ck_distributions_root_length CHECK (octet_length(root) = 32),
    CONSTRAINT ck_distributions_total_cumulative_units_sign CHECK (total_cumulative_units >= 0),
    CONSTRAINT ck_distributions_through_l2_block_range CHECK (through_l2_block >= 0),
    CONSTRAINT ck_distributions_through_l2_block_hash_length CHECK (octet_length(through_l2_block_hash) = 32),
    CONSTRAINT ck_distributions_data_hash_length CHECK (octet_length(data_hash) = 32),
    CONSTRAINT ck_distributions_fees_units_sign CHECK (fees_units >= 0),
    CONSTRAINT ck_distributions_payees_range CHECK (payees >= 0),
    CONSTRAINT ck_distributions_activates_at_range CHECK (activates_at BETWEEN 0 AND 1099511627775),
    CONSTRAINT fk_distributions_data_hash_distribution_files FOREIGN KEY(data_hash) REFERENCES distribution_files (data_hash)
);

CREATE INDEX ix_distributions_data_hash ON distributions (data_hash);

CREATE INDEX ix_distributions_distributor_root_index ON distributions (distributor, root_index);

CREATE UNIQUE INDEX uq_distributions_unsubmitted ON distributions (chain_id, distributor) WHERE state IN ('computed', 'attested');

CREATE TABLE entitlements (
    distribution_id BIGINT NOT NULL,
    payee BYTEA NOT NULL,
    numerator NUMERIC(78, 0) NOT NULL,
    cumulative_units NUMERIC(78, 0) NOT NULL,
    leaf_position INTEGER,
    CONSTRAINT pk_entitlements PRIMARY KEY (distribution_id, payee),
    CONSTRAINT ck_entitlements_distribution_id_range CHECK (distribution_id >= 0),
    CONSTRAINT ck_entitlements_payee_length CHECK (octet_length(payee) = 20),
    CONSTRAINT ck_entitlements_numerator_sign CHECK (numerator >= 0),
    CONSTRAINT ck_entitlements_cumulative_units_sign CHECK (cumulative_units >= 0),
    CONSTRAINT ck_entitlements_leaf_position_range CHECK (leaf_position >= 0),
    CONSTRAINT fk_entitlements_distribution_id_distributions FOREIGN KEY(distribution_id) REFERENCES distributions (distribution_id)
);

CREATE INDEX ix_entitlements_payee ON entitlements (payee);

CREATE TABLE distribution_trees (
    distribution_id BIGINT NOT NULL,
    nodes BYTEA NOT NULL,
    CONSTRAINT pk_distribution_trees PRIMARY KEY (distribution_id),
    CONSTRAINT ck_distribution_trees_distribution_id_range CHECK (distribution_id >= 0),
    CONSTRAINT fk_distribution_trees_distribution_id_distributions FOREIGN KEY(distribution_id) REFERENCES distributions (distribution_id)
);

CREATE TABLE attestations (
    distribution_id BIGINT NOT NULL,
    attester BYTEA NOT NULL,
    signature BYTEA,
    refusal TEXT,
    answered_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_attestations PRIMARY KEY (distribution_id, attester),
    CONSTRAINT ck_attestations_answer CHECK ((signature IS NULL) <> (refusal IS NULL)),
    CONSTRAINT ck_attestations_distribution_id_range CHECK (distribution_id >= 0),
    CONSTRAINT ck_attestations_attester_length CHECK (octet_length(attester) = 20),
    CONSTRAINT ck_attestations_signature_length CHECK (octet_length(signature) = 65),
    CONSTRAINT fk_attestations_distribution_id_distributions FOREIGN KEY(distribution_id) REFERENCES distributions (distribution_id)
);

CREATE TABLE signed_attestations (
    attester BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    chain_id BIGINT NOT NULL,
    distributor BYTEA NOT NULL,
    root_index BIGINT NOT NULL,
    root BYTEA NOT NULL,
    total_cumulative_units NUMERIC(78, 0) NOT NULL,
    through_l2_block BIGINT NOT NULL,
    through_l2_block_hash BYTEA NOT NULL,
    data_hash BYTEA NOT NULL,
    signature BYTEA NOT NULL,
    signed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_signed_attestations PRIMARY KEY (attester, digest),
    CONSTRAINT ck_signed_attestations_attester_length CHECK (octet_length(attester) = 20),
    CONSTRAINT ck_signed_attestations_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT ck_signed_attestations_chain_id_range CHECK (chain_id >= 0),
    CONSTRAINT ck_signed_attestations_distributor_length CHECK (octet_length(distributor) = 20),
    CONSTRAINT ck_signed_attestations_root_index_range CHECK (root_index >= 0),
    CONSTRAINT ck_signed_attestations_root_length CHECK (octet_length(root) = 32),
    CONSTRAINT ck_signed_attestations_total_cumulative_units_sign CHECK (total_cumulative_units >= 0),
    CONSTRAINT ck_signed_attestations_through_l2_block_range CHECK (through_l2_block >= 0),
    CONSTRAINT ck_signed_attestations_through_l2_block_hash_length CHECK (octet_length(through_l2_block_hash) = 32),
    CONSTRAINT ck_signed_attestations_data_hash_length CHECK (octet_length(data_hash) = 32),
    CONSTRAINT ck_signed_attestations_signature_length CHECK (octet_length(signature) = 65)
);

CREATE TABLE pushed_claims (
    distribution_id BIGINT NOT NULL,
    payee BYTEA NOT NULL,
    chunk INTEGER NOT NULL,
    CONSTRAINT pk_pushed_claims PRIMARY KEY (distribution_id, payee),
    CONSTRAINT ck_pushed_claims_distribution_id_range CHECK (distribution_id >= 0),
    CONSTRAINT ck_pushed_claims_payee_length CHECK (octet_length(payee) = 20),
    CONSTRAINT ck_pushed_claims_chunk_range CHECK (chunk >= 0),
    CONSTRAINT fk_pushed_claims_distribution_id_distributions FOREIGN KEY(distribution_id) REFERENCES distributions (distribution_id)
);

CREATE INDEX ix_pushed_claims_distribution_id_chunk ON pushed_claims (distribution_id, chunk);

CREATE TABLE settlement_transactions (
    transaction_id BIGINT GENERATED ALWAYS AS IDENTITY,
    distribution_id BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    sender BYTEA NOT NULL,
    nonce BIGINT NOT NULL,
    tx_hash BYTEA NOT NULL,
    raw BYTEA NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    outcome TEXT,
    block_number BIGINT,
    block_hash BYTEA,
    gas_used BIGINT,
    fee_wei NUMERIC(78, 0),
    CONSTRAINT pk_settlement_transactions PRIMARY KEY (transaction_id),
    CONSTRAINT ck_settlement_transactions_purpose CHECK (purpose IN ('submit_root', 'claim_many')),
    CONSTRAINT ck_settlement_transactions_outcome CHECK (outcome IN ('mined', 'reverted', 'replaced')),
    CONSTRAINT uq_settlement_transactions_tx_hash UNIQUE (tx_hash),
    CONSTRAINT ck_settlement_transactions_transaction_id_range CHECK (transaction_id >= 0),
    CONSTRAINT ck_settlement_transactions_distribution_id_range CHECK (distribution_id >= 0),
    CONSTRAINT ck_settlement_transactions_chunk_range CHECK (chunk >= 0),
    CONSTRAINT ck_settlement_transactions_sender_length CHECK (octet_length(sender) = 20),
    CONSTRAINT ck_settlement_transactions_nonce_range CHECK (nonce >= 0),
    CONSTRAINT ck_settlement_transactions_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    CONSTRAINT ck_settlement_transactions_block_number_range CHECK (block_number >= 0),
    CONSTRAINT ck_settlement_transactions_block_hash_length CHECK (octet_length(block_hash) = 32),
    CONSTRAINT ck_settlement_transactions_gas_used_range CHECK (gas_used >= 0),
    CONSTRAINT ck_settlement_transactions_fee_wei_sign CHECK (fee_wei >= 0),
    CONSTRAINT fk_settlement_transactions_distribution_id_distributions FOREIGN KEY(distribution_id) REFERENCES distributions (distribution_id)
);

CREATE INDEX ix_settlement_transactions_distribution_id_purpose_chunk ON settlement_transactions (distribution_id, purpose, chunk);

CREATE INDEX ix_settlement_transactions_open ON settlement_transactions (sender, nonce) WHERE outcome IS NULL;

-- Kept plain, so that a slice of a large file or tree reads only the pages that hold it.
ALTER TABLE distribution_files ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE distribution_trees ALTER COLUMN nodes SET STORAGE EXTERNAL;
