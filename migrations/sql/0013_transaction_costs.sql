CREATE TABLE transaction_costs (
    chain_id BIGINT NOT NULL CONSTRAINT ck_transaction_costs_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_transaction_costs_block_hash_length CHECK (octet_length(block_hash) = 32),
    tx_hash BYTEA NOT NULL CONSTRAINT ck_transaction_costs_tx_hash_length CHECK (octet_length(tx_hash) = 32),
    purpose TEXT NOT NULL,
    gas_used BIGINT CONSTRAINT ck_transaction_costs_gas_used_range CHECK (gas_used >= 0),
    gas_price_wei NUMERIC(78, 0) CONSTRAINT ck_transaction_costs_gas_price_wei_sign CHECK (gas_price_wei >= 0),
    blob_gas_used BIGINT CONSTRAINT ck_transaction_costs_blob_gas_used_range CHECK (blob_gas_used >= 0),
    blob_gas_price_wei NUMERIC(78, 0)
        CONSTRAINT ck_transaction_costs_blob_gas_price_wei_sign CHECK (blob_gas_price_wei >= 0),
    l1_fee_wei NUMERIC(78, 0) CONSTRAINT ck_transaction_costs_l1_fee_wei_sign CHECK (l1_fee_wei >= 0),
    attempts INTEGER NOT NULL CONSTRAINT ck_transaction_costs_attempts_range CHECK (attempts >= 0),
    next_attempt_at BIGINT NOT NULL,
    block_number BIGINT NOT NULL CONSTRAINT ck_transaction_costs_block_number_range CHECK (block_number >= 0),
    log_index INTEGER NOT NULL CONSTRAINT ck_transaction_costs_log_index_range CHECK (log_index >= 0),
    CONSTRAINT ck_transaction_costs_purpose CHECK (purpose IN ('post', 'commit', 'finalize')),
    CONSTRAINT pk_transaction_costs PRIMARY KEY (chain_id, block_hash, tx_hash)
);
CREATE INDEX ix_transaction_costs_block_number ON transaction_costs (block_number);
CREATE INDEX ix_transaction_costs_unread ON transaction_costs (chain_id, next_attempt_at) WHERE gas_used IS NULL;

-- What was indexed before is asked for, too.
INSERT INTO transaction_costs
    (chain_id, block_number, block_hash, log_index, tx_hash, purpose, attempts, next_attempt_at)
SELECT DISTINCT ON (chain_id, block_hash, tx_hash) chain_id, block_number, block_hash, log_index, tx_hash,
       CASE name WHEN 'BlobsPosted' THEN 'post' WHEN 'BatchFinalized' THEN 'finalize' ELSE 'commit' END, 0, 0
FROM events WHERE name IN ('BlobsPosted', 'BatchCommitted', 'BatchRefilled', 'BatchFinalized')
ORDER BY chain_id, block_hash, tx_hash, log_index;

-- An operator's batches by time: what it committed lately, and how long it paused.
CREATE INDEX ix_batches_operator_first_committed_at ON batches (operator, first_committed_at);
