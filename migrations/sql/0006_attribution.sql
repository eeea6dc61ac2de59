ALTER TABLE issued_receipts
    ADD COLUMN attribution_method BYTEA DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000' NOT NULL,
    ADD COLUMN attribution_params_hash BYTEA DEFAULT '\x0000000000000000000000000000000000000000000000000000000000000000' NOT NULL,
    ADD CONSTRAINT ck_issued_receipts_attribution_method_length CHECK (octet_length(attribution_method) = 32),
    ADD CONSTRAINT ck_issued_receipts_attribution_params_hash_length CHECK (octet_length(attribution_params_hash) = 32);

CREATE TABLE unlicensed_uses (
    request_id TEXT NOT NULL,
    position SMALLINT NOT NULL,
    asset_id BIGINT NOT NULL,
    dataset_id BIGINT NOT NULL,
    path TEXT NOT NULL,
    byte_offset BIGINT NOT NULL,
    words INTEGER NOT NULL,
    millibits INTEGER NOT NULL,
    noted_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_unlicensed_uses PRIMARY KEY (request_id, position),
    CONSTRAINT ck_unlicensed_uses_position_range CHECK (position >= 0),
    CONSTRAINT ck_unlicensed_uses_asset_id_range CHECK (asset_id BETWEEN 0 AND 4294967295),
    CONSTRAINT ck_unlicensed_uses_dataset_id_range CHECK (dataset_id BETWEEN 0 AND 4294967295),
    CONSTRAINT ck_unlicensed_uses_byte_offset_range CHECK (byte_offset >= 0),
    CONSTRAINT ck_unlicensed_uses_words_range CHECK (words >= 0),
    CONSTRAINT ck_unlicensed_uses_millibits_range CHECK (millibits >= 0)
);

CREATE INDEX ix_unlicensed_uses_dataset_id_noted_at ON unlicensed_uses (dataset_id, noted_at);
