CREATE TABLE movements (
    ordinal INTEGER NOT NULL CONSTRAINT ck_movements_ordinal_range CHECK (ordinal >= 0),
    bucket TEXT NOT NULL CONSTRAINT ck_movements_bucket CHECK (bucket IN ('payer_deposits_in', 'operator_deposits_in', 'bonds_in', 'demand_deposits_in', 'direct_transfers_in', 'escrow', 'operator_deposits', 'custody', 'bonds', 'demand_deposits', 'distributor', 'stray', 'payer_withdrawals', 'operator_withdrawals', 'bond_withdrawals', 'demand_deposits_out', 'challenger_rewards', 'burned', 'paid_out', 'unexplained_out')),
    contract BYTEA CONSTRAINT ck_movements_contract_length CHECK (octet_length(contract) = 20),
    holder BYTEA NOT NULL CONSTRAINT ck_movements_holder_length CHECK (octet_length(holder) = 20),
    counterparty BYTEA CONSTRAINT ck_movements_counterparty_length CHECK (octet_length(counterparty) = 20),
    batch_id BIGINT CONSTRAINT ck_movements_batch_id_range CHECK (batch_id >= 0),
    amount_units NUMERIC(78, 0) NOT NULL,
    chain_id BIGINT NOT NULL CONSTRAINT ck_movements_chain_id_range CHECK (chain_id >= 0),
    block_hash BYTEA NOT NULL CONSTRAINT ck_movements_block_hash_length CHECK (octet_length(block_hash) = 32),
    log_index INTEGER NOT NULL CONSTRAINT ck_movements_log_index_range CHECK (log_index >= 0),
    block_number BIGINT NOT NULL CONSTRAINT ck_movements_block_number_range CHECK (block_number >= 0),
    CONSTRAINT pk_movements PRIMARY KEY (ordinal, chain_id, block_hash, log_index)
);
CREATE INDEX ix_movements_batch_id ON movements (batch_id);
CREATE INDEX ix_movements_block_number ON movements (block_number);
CREATE INDEX ix_movements_bucket_holder_counterparty ON movements (bucket, holder, counterparty);
CREATE INDEX ix_movements_holder ON movements (holder);
