CREATE TABLE batches (
    batch_id BIGINT NOT NULL CONSTRAINT ck_batches_batch_id_range CHECK (batch_id >= 0),
    fill SMALLINT NOT NULL CONSTRAINT ck_batches_fill_range CHECK (fill >= 0),
    tx_hash BYTEA NOT NULL CONSTRAINT ck_batches_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    operator BYTEA NOT NULL CONSTRAINT ck_batches_operator_length CHECK (octet_length(operator) = 20),
    lane INTEGER NOT NULL CONSTRAINT ck_batches_lane_range CHECK (lane BETWEEN 0 AND 65535),
    first_seq BIGINT NOT NULL CONSTRAINT ck_batches_first_seq_range CHECK (first_seq >= 0),
    count INTEGER NOT NULL CONSTRAINT ck_batches_count_range CHECK (count BETWEEN 0 AND 16777215),
    payer_count INTEGER NOT NULL CONSTRAINT ck_batches_payer_count_range CHECK (payer_count BETWEEN 0 AND 16777215),
    set_fe_count INTEGER NOT NULL CONSTRAINT ck_batches_set_fe_count_range CHECK (set_fe_count BETWEEN 0 AND 16777215),
    total_fee_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_batches_total_fee_units_sign CHECK (total_fee_units >= 0),
    blob_count SMALLINT NOT NULL CONSTRAINT ck_batches_blob_count_range CHECK (blob_count >= 0),
    base_time BIGINT NOT NULL CONSTRAINT ck_batches_base_time_range CHECK (base_time BETWEEN 0 AND 1099511627775),
    attribution_method BYTEA NOT NULL CONSTRAINT ck_batches_attribution_method_length CHECK (octet_length(attribution_method) = 32),
    attribution_params_hash BYTEA NOT NULL CONSTRAINT ck_batches_attribution_params_hash_length CHECK (octet_length(attribution_params_hash) = 32),
    batch_commitment BYTEA NOT NULL CONSTRAINT ck_batches_batch_commitment_length CHECK (octet_length(batch_commitment) = 32),
    post_hash BYTEA NOT NULL CONSTRAINT ck_batches_post_hash_length CHECK (octet_length(post_hash) = 32),
    versioned_hashes BYTEA[] NOT NULL,
    reserve_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_batches_reserve_units_sign CHECK (reserve_units >= 0),
    committed_at BIGINT NOT NULL CONSTRAINT ck_batches_committed_at_range CHECK (committed_at BETWEEN 0 AND 1099511627775),
    first_committed_at BIGINT NOT NULL CONSTRAINT ck_batches_first_committed_at_range CHECK (first_committed_at BETWEEN 0 AND 1099511627775),
    verdict TEXT NOT NULL CONSTRAINT ck_batches_verdict CHECK (verdict IN ('pending', 'valid', 'invalid')),
    finalized_block_number BIGINT CONSTRAINT ck_batches_finalized_block_number_range CHECK (finalized_block_number >= 0),
    finalized_block_hash BYTEA CONSTRAINT ck_batches_finalized_block_hash_length CHECK (octet_length(finalized_block_hash) = 32),
    finalized_log_index INTEGER CONSTRAINT ck_batches_finalized_log_index_range CHECK (finalized_log_index >= 0),
    finalized_at BIGINT CONSTRAINT ck_batches_finalized_at_range CHECK (finalized_at BETWEEN 0 AND 1099511627775),
    voided_block_number BIGINT CONSTRAINT ck_batches_voided_block_number_range CHECK (voided_block_number >= 0),
    voided_block_hash BYTEA CONSTRAINT ck_batches_voided_block_hash_length CHECK (octet_length(voided_block_hash) = 32),
    voided_log_index INTEGER CONSTRAINT ck_batches_voided_log_index_range CHECK (voided_log_index >= 0),
    voided_at BIGINT CONSTRAINT ck_batches_voided_at_range CHECK (voided_at BETWEEN 0 AND 1099511627775),
    voided_fault BYTEA CONSTRAINT ck_batches_voided_fault_length CHECK (octet_length(voided_fault) = 32),
    voided_challenger BYTEA CONSTRAINT ck_batches_voided_challenger_length CHECK (octet_length(voided_challenger) = 20),
    status TEXT GENERATED ALWAYS AS (CASE WHEN finalized_block_number IS NOT NULL THEN 'finalized' WHEN voided_block_number IS NOT NULL THEN 'voided' ELSE 'open' END) STORED NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_batches_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_batches_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_batches_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_batches_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_batches PRIMARY KEY (batch_id, fill),
    CONSTRAINT uq_batches_chain_id_block_hash_log_index UNIQUE (chain_id, block_hash, log_index)
);
CREATE INDEX ix_batches_block_number ON batches (block_number);
CREATE INDEX ix_batches_finalized_block_number ON batches (finalized_block_number);
CREATE INDEX ix_batches_operator_lane_first_seq ON batches (operator, lane, first_seq);
CREATE INDEX ix_batches_pending ON batches (batch_id) WHERE verdict = 'pending';
CREATE INDEX ix_batches_post_hash ON batches (post_hash);
CREATE INDEX ix_batches_voided_block_number ON batches (voided_block_number);

CREATE TABLE charges (
    batch_id BIGINT NOT NULL CONSTRAINT ck_charges_batch_id_range CHECK (batch_id >= 0),
    fill SMALLINT NOT NULL CONSTRAINT ck_charges_fill_range CHECK (fill >= 0),
    position INTEGER NOT NULL CONSTRAINT ck_charges_position_range CHECK (position BETWEEN 0 AND 16777215),
    payer BYTEA NOT NULL CONSTRAINT ck_charges_payer_length CHECK (octet_length(payer) = 20),
    amount_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_charges_amount_units_sign CHECK (amount_units >= 0),
    chain_id BIGINT NOT NULL CONSTRAINT ck_charges_chain_id_range CHECK (chain_id >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_charges_block_number_range CHECK (block_number >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_charges_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_charges_log_index_range CHECK (log_index >= 0),
    CONSTRAINT pk_charges PRIMARY KEY (batch_id, fill, position),
    CONSTRAINT fk_charges_batch_id_fill_batches FOREIGN KEY(batch_id, fill) REFERENCES batches (batch_id, fill) ON DELETE CASCADE
);
CREATE INDEX ix_charges_block_number ON charges (block_number);
CREATE INDEX ix_charges_payer_batch_id ON charges (payer, batch_id);
