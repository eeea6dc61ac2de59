CREATE TABLE findings (
    ordinal INTEGER NOT NULL CONSTRAINT ck_findings_ordinal_range CHECK (ordinal >= 0),
    batch_id BIGINT CONSTRAINT ck_findings_batch_id_range CHECK (batch_id >= 0),
    fill SMALLINT CONSTRAINT ck_findings_fill_range CHECK (fill >= 0),
    rule TEXT NOT NULL,
    voids BOOLEAN NOT NULL,
    challenge TEXT,
    evidence JSONB NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_findings_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_findings_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_findings_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_findings_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_findings PRIMARY KEY (ordinal, chain_id, block_hash, log_index)
);
CREATE INDEX ix_findings_batch_id_fill ON findings (batch_id, fill);
CREATE INDEX ix_findings_block_number ON findings (block_number);
CREATE INDEX ix_findings_rule ON findings (rule);
