-- Tables of the batcher. Generated once from ledger/db/models/batcher.py; a test compares the two for ever.

CREATE TABLE batch_jobs (
    job_id BIGINT GENERATED ALWAYS AS IDENTITY,
    chain_id BIGINT NOT NULL,
    ledger_address BYTEA NOT NULL,
    operator BYTEA NOT NULL,
    lane INTEGER NOT NULL,
    first_seq BIGINT NOT NULL,
    count INTEGER NOT NULL,
    attribution_method BYTEA NOT NULL,
    attribution_params_hash BYTEA NOT NULL,
    state TEXT NOT NULL,
    fault TEXT,
    payer_count INTEGER,
    set_fe_count INTEGER,
    total_fee_units NUMERIC(78, 0),
    blob_count SMALLINT,
    base_time BIGINT,
    post_hash BYTEA,
    batch_commitment BYTEA,
    sidecar_version TEXT,
    shares_deposit BOOLEAN DEFAULT false NOT NULL,
    authorized BOOLEAN DEFAULT false NOT NULL,
    posted_at BIGINT,
    batch_id BIGINT,
    committed_at BIGINT,
    reserve_units NUMERIC(78, 0),
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_batch_jobs PRIMARY KEY (job_id),
    CONSTRAINT ck_batch_jobs_state_known CHECK (state IN ('selected', 'encoded', 'posted', 'attested', 'committed', 'finalized', 'voided', 'superseded', 'faulted')),
    CONSTRAINT ck_batch_jobs_count_positive CHECK (count > 0),
    CONSTRAINT ck_batch_jobs_fault_told CHECK ((state = 'faulted') = (fault IS NOT NULL)),
    CONSTRAINT uq_batch_jobs_chain_id_ledger_address_operator_lane_first_seq UNIQUE (chain_id, ledger_address, operator, lane, first_seq),
    CONSTRAINT ck_batch_jobs_job_id_range CHECK (job_id >= 0),
    CONSTRAINT ck_batch_jobs_chain_id_range CHECK (chain_id >= 0),
    CONSTRAINT ck_batch_jobs_ledger_address_length CHECK (octet_length(ledger_address) = 20),
    CONSTRAINT ck_batch_jobs_operator_length CHECK (octet_length(operator) = 20),
    CONSTRAINT ck_batch_jobs_lane_range CHECK (lane BETWEEN 0 AND 65535),
    CONSTRAINT ck_batch_jobs_first_seq_range CHECK (first_seq >= 0),
    CONSTRAINT ck_batch_jobs_count_range CHECK (count >= 0),
    CONSTRAINT ck_batch_jobs_attribution_method_length CHECK (octet_length(attribution_method) = 32),
    CONSTRAINT ck_batch_jobs_attribution_params_hash_length CHECK (octet_length(attribution_params_hash) = 32),
    CONSTRAINT ck_batch_jobs_payer_count_range CHECK (payer_count >= 0),
    CONSTRAINT ck_batch_jobs_set_fe_count_range CHECK (set_fe_count >= 0),
    CONSTRAINT ck_batch_jobs_total_fee_units_sign CHECK (total_fee_units >= 0),
    CONSTRAINT ck_batch_jobs_blob_count_range CHECK (blob_count >= 0),
    CONSTRAINT ck_batch_jobs_base_time_range CHECK (base_time BETWEEN 0 AND 1099511627775),
    CONSTRAINT ck_batch_jobs_post_hash_length CHECK (octet_length(post_hash) = 32),
    CONSTRAINT ck_batch_jobs_batch_commitment_length CHECK (octet_length(batch_commitment) = 32),
    CONSTRAINT ck_batch_jobs_posted_at_range CHECK (posted_at BETWEEN 0 AND 1099511627775),
    CONSTRAINT ck_batch_jobs_batch_id_range CHECK (batch_id >= 0),
    CONSTRAINT ck_batch_jobs_committed_at_range CHECK (committed_at BETWEEN 0 AND 1099511627775),
    CONSTRAINT ck_batch_jobs_reserve_units_sign CHECK (reserve_units >= 0)
);

CREATE INDEX ix_batch_jobs_open ON batch_jobs (operator, lane, first_seq) WHERE state NOT IN ('finalized', 'voided', 'superseded', 'faulted');

CREATE TABLE batch_charges (
    job_id BIGINT NOT NULL,
    payer BYTEA NOT NULL,
    amount_units NUMERIC(78, 0) NOT NULL,
    CONSTRAINT pk_batch_charges PRIMARY KEY (job_id, payer),
    CONSTRAINT ck_batch_charges_job_id_range CHECK (job_id >= 0),
    CONSTRAINT ck_batch_charges_payer_length CHECK (octet_length(payer) = 20),
    CONSTRAINT ck_batch_charges_amount_units_sign CHECK (amount_units >= 0),
    CONSTRAINT fk_batch_charges_job_id_batch_jobs FOREIGN KEY(job_id) REFERENCES batch_jobs (job_id)
);

CREATE TABLE batch_blobs (
    job_id BIGINT NOT NULL,
    position SMALLINT NOT NULL,
    versioned_hash BYTEA NOT NULL,
    kzg_commitment BYTEA NOT NULL,
    proofs BYTEA NOT NULL,
    blob BYTEA NOT NULL,
    CONSTRAINT pk_batch_blobs PRIMARY KEY (job_id, position),
    CONSTRAINT ck_batch_blobs_blob_length CHECK (octet_length(blob) = 131072),
    CONSTRAINT ck_batch_blobs_job_id_range CHECK (job_id >= 0),
    CONSTRAINT ck_batch_blobs_position_range CHECK (position >= 0),
    CONSTRAINT ck_batch_blobs_versioned_hash_length CHECK (octet_length(versioned_hash) = 32),
    CONSTRAINT ck_batch_blobs_kzg_commitment_length CHECK (octet_length(kzg_commitment) = 48),
    CONSTRAINT fk_batch_blobs_job_id_batch_jobs FOREIGN KEY(job_id) REFERENCES batch_jobs (job_id)
);

CREATE TABLE batch_transactions (
    transaction_id BIGINT GENERATED ALWAYS AS IDENTITY,
    job_id BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    chain_id BIGINT NOT NULL,
    sender BYTEA NOT NULL,
    nonce BIGINT NOT NULL,
    tx_hash BYTEA NOT NULL,
    raw BYTEA NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    outcome TEXT,
    block_number BIGINT,
    block_hash BYTEA,
    gas_used BIGINT,
    gas_price_wei NUMERIC(78, 0),
    blob_gas_used BIGINT,
    blob_gas_price_wei NUMERIC(78, 0),
    l1_fee_wei NUMERIC(78, 0),
    CONSTRAINT pk_batch_transactions PRIMARY KEY (transaction_id),
    CONSTRAINT ck_batch_transactions_purpose_known CHECK (purpose IN ('authorize', 'post', 'relay', 'commit', 'finalize')),
    CONSTRAINT ck_batch_transactions_outcome_known CHECK (outcome IN ('mined', 'reverted', 'replaced')),
    CONSTRAINT uq_batch_transactions_tx_hash UNIQUE (tx_hash),
    CONSTRAINT ck_batch_transactions_transaction_id_range CHECK (transaction_id >= 0),
    CONSTRAINT ck_batch_transactions_job_id_range CHECK (job_id >= 0),
    CONSTRAINT ck_batch_transactions_chain_id_range CHECK (chain_id >= 0),
    CONSTRAINT ck_batch_transactions_sender_length CHECK (octet_length(sender) = 20),
    CONSTRAINT ck_batch_transactions_nonce_range CHECK (nonce >= 0),
    CONSTRAINT ck_batch_transactions_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    CONSTRAINT ck_batch_transactions_block_number_range CHECK (block_number >= 0),
    CONSTRAINT ck_batch_transactions_block_hash_length CHECK (octet_length(block_hash) = 32),
    CONSTRAINT ck_batch_transactions_gas_used_range CHECK (gas_used >= 0),
    CONSTRAINT ck_batch_transactions_gas_price_wei_sign CHECK (gas_price_wei >= 0),
    CONSTRAINT ck_batch_transactions_blob_gas_used_range CHECK (blob_gas_used >= 0),
    CONSTRAINT ck_batch_transactions_blob_gas_price_wei_sign CHECK (blob_gas_price_wei >= 0),
    CONSTRAINT ck_batch_transactions_l1_fee_wei_sign CHECK (l1_fee_wei >= 0),
    CONSTRAINT fk_batch_transactions_job_id_batch_jobs FOREIGN KEY(job_id) REFERENCES batch_jobs (job_id)
);

CREATE INDEX ix_batch_transactions_job_id_purpose ON batch_transactions (job_id, purpose);

CREATE INDEX ix_batch_transactions_open ON batch_transactions (chain_id, sender, nonce) WHERE outcome IS NULL;

CREATE TABLE relayed_posts (
    transaction_id BIGINT NOT NULL,
    job_id BIGINT NOT NULL,
    CONSTRAINT pk_relayed_posts PRIMARY KEY (transaction_id, job_id),
    CONSTRAINT ck_relayed_posts_transaction_id_range CHECK (transaction_id >= 0),
    CONSTRAINT ck_relayed_posts_job_id_range CHECK (job_id >= 0),
    CONSTRAINT fk_relayed_posts_transaction_id_batch_transactions FOREIGN KEY(transaction_id) REFERENCES batch_transactions (transaction_id),
    CONSTRAINT fk_relayed_posts_job_id_batch_jobs FOREIGN KEY(job_id) REFERENCES batch_jobs (job_id)
);
