CREATE TABLE receipts (
    batch_id BIGINT NOT NULL CONSTRAINT ck_receipts_batch_id_range CHECK (batch_id >= 0),
    fill SMALLINT NOT NULL CONSTRAINT ck_receipts_fill_range CHECK (fill >= 0),
    position INTEGER NOT NULL CONSTRAINT ck_receipts_position_range CHECK (position BETWEEN 0 AND 16777215),
    seq BIGINT NOT NULL CONSTRAINT ck_receipts_seq_range CHECK (seq >= 0),
    digest31 BYTEA NOT NULL CONSTRAINT ck_receipts_digest31_length CHECK (octet_length(digest31) = 31),
    payer BYTEA NOT NULL CONSTRAINT ck_receipts_payer_length CHECK (octet_length(payer) = 20),
    asset_id BIGINT NOT NULL CONSTRAINT ck_receipts_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    asset_version BIGINT NOT NULL CONSTRAINT ck_receipts_asset_version_range CHECK (asset_version BETWEEN 0 AND 4294967295),
    set_position INTEGER NOT NULL CONSTRAINT ck_receipts_set_position_range CHECK (set_position BETWEEN 0 AND 16777215),
    fee_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_receipts_fee_units_sign CHECK (fee_units >= 0),
    cumulative_fee_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_receipts_cumulative_fee_units_sign CHECK (cumulative_fee_units >= 0),
    input_units INTEGER NOT NULL CONSTRAINT ck_receipts_input_units_range CHECK (input_units BETWEEN 0 AND 16777215),
    output_units INTEGER NOT NULL CONSTRAINT ck_receipts_output_units_range CHECK (output_units BETWEEN 0 AND 16777215),
    started_at BIGINT NOT NULL CONSTRAINT ck_receipts_started_at_range CHECK (started_at >= 0),
    CONSTRAINT pk_receipts PRIMARY KEY (batch_id, fill, position)
) PARTITION BY RANGE (batch_id);
CREATE INDEX ix_receipts_digest31 ON receipts USING hash (digest31);

CREATE TABLE attribution_sets (
    batch_id BIGINT NOT NULL CONSTRAINT ck_attribution_sets_batch_id_range CHECK (batch_id >= 0),
    fill SMALLINT NOT NULL CONSTRAINT ck_attribution_sets_fill_range CHECK (fill >= 0),
    set_position INTEGER NOT NULL CONSTRAINT ck_attribution_sets_set_position_range CHECK (set_position BETWEEN 0 AND 16777215),
    asset_ids BIGINT[] NOT NULL,
    ppms INTEGER[] NOT NULL,
    CONSTRAINT pk_attribution_sets PRIMARY KEY (batch_id, fill, set_position)
);

CREATE TABLE batch_sums (
    batch_id BIGINT NOT NULL CONSTRAINT ck_batch_sums_batch_id_range CHECK (batch_id >= 0),
    fill SMALLINT NOT NULL CONSTRAINT ck_batch_sums_fill_range CHECK (fill >= 0),
    asset_id BIGINT NOT NULL CONSTRAINT ck_batch_sums_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    asset_version BIGINT NOT NULL CONSTRAINT ck_batch_sums_asset_version_range CHECK (asset_version BETWEEN 0 AND 4294967295),
    dataset_id BIGINT NOT NULL CONSTRAINT ck_batch_sums_dataset_id_range CHECK (dataset_id BETWEEN 0 AND 4294967295),
    dataset_version BIGINT NOT NULL CONSTRAINT ck_batch_sums_dataset_version_range CHECK (dataset_version BETWEEN 0 AND 4294967295),
    weighted_fee_units NUMERIC(78, 0) NOT NULL CONSTRAINT ck_batch_sums_weighted_fee_units_sign CHECK (weighted_fee_units >= 0),
    receipts INTEGER NOT NULL CONSTRAINT ck_batch_sums_receipts_range CHECK (receipts >= 0),
    CONSTRAINT pk_batch_sums PRIMARY KEY (batch_id, fill, asset_id, asset_version, dataset_id, dataset_version)
);
CREATE INDEX ix_batch_sums_asset_id_asset_version ON batch_sums (asset_id, asset_version);
CREATE INDEX ix_batch_sums_dataset_id_dataset_version ON batch_sums (dataset_id, dataset_version);
