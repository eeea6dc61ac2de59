CREATE TABLE audit_consents (
    digest BYTEA NOT NULL,
    payer BYTEA NOT NULL,
    operator BYTEA NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    signature BYTEA NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_audit_consents PRIMARY KEY (digest),
    CONSTRAINT ck_audit_consents_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT ck_audit_consents_payer_length CHECK (octet_length(payer) = 20),
    CONSTRAINT ck_audit_consents_operator_length CHECK (octet_length(operator) = 20),
    CONSTRAINT ck_audit_consents_valid_from_range CHECK (valid_from BETWEEN 0 AND 1099511627775),
    CONSTRAINT ck_audit_consents_valid_until_range CHECK (valid_until BETWEEN 0 AND 1099511627775),
    CONSTRAINT ck_audit_consents_signature_length CHECK (octet_length(signature) = 65)
);

CREATE TABLE kept_exchanges (
    request_id TEXT NOT NULL,
    request BYTEA NOT NULL,
    produced BYTEA NOT NULL,
    parameters BYTEA NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_kept_exchanges PRIMARY KEY (request_id)
);

CREATE INDEX ix_kept_exchanges_expires_at ON kept_exchanges (expires_at);

CREATE TABLE attester_consents (
    digest BYTEA NOT NULL,
    payer BYTEA NOT NULL,
    operator BYTEA NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    signature BYTEA NOT NULL,
    CONSTRAINT pk_attester_consents PRIMARY KEY (digest),
    CONSTRAINT ck_attester_consents_digest_length CHECK (octet_length(digest) = 32),
    CONSTRAINT ck_attester_consents_payer_length CHECK (octet_length(payer) = 20),
    CONSTRAINT ck_attester_consents_operator_length CHECK (octet_length(operator) = 20),
    CONSTRAINT ck_attester_consents_valid_from_range CHECK (valid_from BETWEEN 0 AND 1099511627775),
    CONSTRAINT ck_attester_consents_valid_until_range CHECK (valid_until BETWEEN 0 AND 1099511627775),
    CONSTRAINT ck_attester_consents_signature_length CHECK (octet_length(signature) = 65)
);

CREATE INDEX ix_attester_consents_payer ON attester_consents (payer);

CREATE TABLE drawn_receipts (
    digest31 BYTEA NOT NULL,
    batch_id BIGINT NOT NULL,
    position INTEGER NOT NULL,
    operator BYTEA NOT NULL,
    seed_block BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    looked_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_drawn_receipts PRIMARY KEY (digest31),
    CONSTRAINT ck_drawn_receipts_outcome CHECK (outcome IN ('held', 'silent', 'different')),
    CONSTRAINT ck_drawn_receipts_digest31_length CHECK (octet_length(digest31) = 31),
    CONSTRAINT ck_drawn_receipts_batch_id_range CHECK (batch_id >= 0),
    CONSTRAINT ck_drawn_receipts_position_range CHECK (position >= 0),
    CONSTRAINT ck_drawn_receipts_operator_length CHECK (octet_length(operator) = 20),
    CONSTRAINT ck_drawn_receipts_seed_block_range CHECK (seed_block >= 0)
);
