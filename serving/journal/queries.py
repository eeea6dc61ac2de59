"""The journal's SQL. Each statement changes a group of requests at once: one round trip, one fsync."""

from __future__ import annotations

from typing import Final

OPEN: Final = """
WITH wanted AS (
    SELECT * FROM unnest(
        %(request_id)b::text[], %(payer)b::bytea[], %(key_id)b::text[], %(asset_id)b::bigint[], %(model)b::text[],
        %(exposure_units)b::numeric[], %(input_price_units)b::numeric[], %(output_price_units)b::numeric[],
        %(input_units)b::int[], %(request_hash)b::bytea[], %(response_hash)b::bytea[], %(salt)b::bytea[],
        %(body_sha256)b::bytea[], %(started_at)b::bigint[]
    ) AS w(
        request_id, payer, key_id, asset_id, model, exposure_units, input_price_units, output_price_units,
        input_units, request_hash, response_hash, salt, body_sha256, started_at
    )
    WHERE NOT EXISTS (SELECT FROM issued_receipts r WHERE r.request_id = w.request_id)
), total AS (
    SELECT payer, sum(exposure_units) AS units, max(started_at) AS started_at FROM wanted GROUP BY payer
), fence AS (
    SELECT epoch FROM lanes
    WHERE operator = %(operator)b AND lane = %(lane)b AND epoch = %(epoch)b AND NOT closed FOR SHARE
), held AS (
    UPDATE spend_accounts s SET held_units = s.held_units + t.units
    FROM total t, fence
    WHERE s.operator = %(operator)b AND s.payer = t.payer
      AND s.spendable_units >= t.units
      AND t.started_at < s.valid_until - %(post_deadline_seconds)b::bigint
    RETURNING s.payer
)
INSERT INTO intents (
    request_id, operator, lane, epoch, payer, key_id, asset_id, model, exposure_units, input_price_units,
    output_price_units, input_units, output_units, request_hash, response_hash, salt, body_sha256, started_at,
    checkpoint_ms
)
SELECT request_id, %(operator)b, %(lane)b, %(epoch)b, payer, key_id, asset_id, model, exposure_units,
       input_price_units, output_price_units, input_units, 0, request_hash, response_hash, salt, body_sha256,
       started_at, 0
FROM wanted JOIN held USING (payer)
RETURNING request_id
"""
"""Holds each payer's exposure and inserts the intents, all of a payer's or none; returns those that were opened."""

CLOSE: Final = """
WITH fence AS (
    UPDATE lanes SET next_seq = %(after)b::bigint
    WHERE operator = %(operator)b AND lane = %(lane)b AND epoch = %(epoch)b AND next_seq = %(before)b::bigint
      AND cardinality(%(request_id)b::text[]) = (
          SELECT count(*) FROM intents
          WHERE request_id = ANY(%(request_id)b::text[]) AND operator = %(operator)b AND lane = %(lane)b
      )
    RETURNING epoch
), ended AS (
    SELECT * FROM unnest(
        %(request_id)b::text[], %(seq)b::bigint[], %(asset_id)b::bigint[], %(request_hash)b::bytea[],
        %(response_hash)b::bytea[], %(input_units)b::int[], %(output_units)b::int[], %(fee_units)b::numeric[],
        %(attribution_hash)b::bytea[], %(started_at)b::bigint[], %(duration_ms)b::bigint[], %(digest)b::bytea[],
        %(signature)b::bytea[], %(salt)b::bytea[], %(body_sha256)b::bytea[], %(attribution_set)b::text[],
        %(attribution_method)b::bytea[], %(attribution_params_hash)b::bytea[], %(outcome)b::text[], %(finish_reason)b::text[], %(model)b::text[]
    ) AS e(
        request_id, seq, asset_id, request_hash, response_hash, input_units, output_units, fee_units,
        attribution_hash, started_at, duration_ms, digest, signature, salt, body_sha256, attribution_set,
        attribution_method, attribution_params_hash, outcome, finish_reason, model
    )
), gone AS (
    DELETE FROM intents i USING ended e, fence
    WHERE i.request_id = e.request_id AND i.operator = %(operator)b AND i.lane = %(lane)b
    RETURNING i.request_id, i.payer, i.exposure_units
), issued AS (
    INSERT INTO issued_receipts (
        operator, lane, seq, request_id, payer, asset_id, request_hash, response_hash, input_units, output_units,
        fee_units, attribution_hash, started_at, duration_ms, digest, signature, signer, salt, body_sha256,
        attribution_set, attribution_method, attribution_params_hash, outcome, finish_reason, model
    )
    SELECT %(operator)b, %(lane)b, e.seq, e.request_id, g.payer, e.asset_id, e.request_hash, e.response_hash,
           e.input_units, e.output_units, e.fee_units, e.attribution_hash, e.started_at, e.duration_ms, e.digest,
           e.signature, %(signer)b, e.salt, e.body_sha256, e.attribution_set::jsonb, e.attribution_method,
           e.attribution_params_hash, e.outcome, e.finish_reason, e.model
    FROM ended e JOIN gone g USING (request_id)
    RETURNING request_id
), total AS (
    SELECT g.payer, sum(g.exposure_units) AS exposure_units, sum(e.fee_units) AS fee_units
    FROM gone g JOIN ended e USING (request_id) GROUP BY g.payer
), spent AS (
    UPDATE spend_accounts s
    SET held_units = s.held_units - t.exposure_units, uncollected_units = s.uncollected_units + t.fee_units
    FROM total t WHERE s.operator = %(operator)b AND s.payer = t.payer
), kept AS (
    INSERT INTO stored_answers (request_id, status, streamed, body, expires_at)
    SELECT a.request_id, a.status, a.streamed, a.body, now() + make_interval(secs => %(retention_seconds)b::int)
    FROM unnest(
        %(kept_request_id)b::text[], %(kept_status)b::smallint[], %(kept_streamed)b::boolean[],
        %(kept_body)b::bytea[]
    ) AS a(request_id, status, streamed, body) JOIN gone USING (request_id)
    ON CONFLICT (request_id) DO NOTHING
)
SELECT count(*) FROM issued
"""
"""Moves the lane on, turns the intents into receipts and the held exposure into fees: all of them, or nothing and 0 if
the lane is at another epoch or place or an intent is missing. (Whoever removes intents of a lane has its row locked,
so none can vanish once this statement has it.)"""

UNLICENSED: Final = """
INSERT INTO unlicensed_uses (request_id, position, asset_id, dataset_id, path, byte_offset, words, millibits)
SELECT * FROM unnest(
    %(request_id)b::text[], %(position)b::smallint[], %(asset_id)b::bigint[], %(dataset_id)b::bigint[],
    %(path)b::text[], %(byte_offset)b::bigint[], %(words)b::int[], %(millibits)b::int[]
)
ON CONFLICT DO NOTHING
"""
"""Evidence of unlicensed use, by request: the receipt may come a moment later, when the lane is found again."""

KEEP_EXCHANGES: Final = """
INSERT INTO kept_exchanges (request_id, request, produced, parameters, expires_at)
SELECT e.request_id, e.request, e.produced, e.parameters, now() + make_interval(secs => %(exchange_seconds)b::int)
FROM unnest(%(request_id)b::text[], %(request)b::bytea[], %(produced)b::bytea[], %(parameters)b::bytea[])
     AS e(request_id, request, produced, parameters)
ON CONFLICT DO NOTHING
"""

EXCHANGE: Final = """
SELECT r.request_id, k.request, k.produced, k.parameters
FROM issued_receipts r JOIN kept_exchanges k USING (request_id)
WHERE r.operator = %(operator)b AND r.lane = %(lane)b AND r.seq = %(seq)b AND k.expires_at > now()
"""

SWEEP_EXCHANGES: Final = """
DELETE FROM kept_exchanges WHERE request_id IN (
    SELECT request_id FROM kept_exchanges WHERE expires_at <= now() ORDER BY expires_at LIMIT 1000
)
"""

CONSENTS: Final = "SELECT payer, valid_from, valid_until FROM audit_consents WHERE operator = %(operator)b"

HAS_KEY: Final = "SELECT FROM api_keys WHERE payer = %(payer)b AND operator = %(operator)b LIMIT 1"

GIVE_CONSENT: Final = """
INSERT INTO audit_consents (digest, payer, operator, valid_from, valid_until, signature)
VALUES (%(digest)b, %(payer)b, %(operator)b, %(valid_from)b, %(valid_until)b, %(signature)b)
ON CONFLICT DO NOTHING
"""

CHECKPOINT: Final = """
UPDATE intents i
SET output_units = c.output_units, response_hash = c.response_hash, checkpoint_ms = c.elapsed_ms
FROM unnest(%(request_id)b::text[], %(output_units)b::int[], %(response_hash)b::bytea[], %(elapsed_ms)b::bigint[])
     AS c(request_id, output_units, response_hash, elapsed_ms)
WHERE i.request_id = c.request_id AND i.epoch = %(epoch)b AND i.output_units <= c.output_units
"""

ABANDON: Final = """
WITH gone AS (
    DELETE FROM intents
    WHERE request_id = %(request_id)b AND operator = %(operator)b AND lane = %(lane)b AND epoch <= %(epoch)b
    RETURNING operator, payer, exposure_units
)
UPDATE spend_accounts s SET held_units = s.held_units - g.exposure_units
FROM gone g WHERE s.operator = g.operator AND s.payer = g.payer
"""
"""Drops an intent of this lane that nobody answers: its caller left, or its request has its receipt already (two gateways
raced on one Idempotency-Key). Under the same key another gateway may be answering: its intent is not ours to drop."""

ISSUED: Final = """
SELECT operator, lane, seq, payer, asset_id, request_hash, response_hash, input_units, output_units, fee_units,
       attribution_hash, started_at, duration_ms, request_id, digest, signature, signer, salt, attribution_set,
       attribution_method, attribution_params_hash, body_sha256, outcome, finish_reason, model
FROM issued_receipts WHERE request_id = ANY(%(request_id)b::text[])
"""

OPEN_INTENTS: Final = """
SELECT request_id, payer, key_id, asset_id, model, exposure_units, input_price_units, output_price_units, input_units,
       request_hash, response_hash, salt, body_sha256, started_at, output_units, checkpoint_ms
FROM intents WHERE operator = %(operator)b AND lane = %(lane)b AND epoch < %(epoch)b
ORDER BY started_at, request_id LIMIT %(limit)b::int
"""

IS_OPEN: Final = "SELECT request_id FROM intents WHERE request_id = ANY(%(request_id)b::text[])"

STORED_ANSWER: Final = """
SELECT status, streamed, body FROM stored_answers WHERE request_id = %(request_id)b AND expires_at > now()
"""

SWEEP_ANSWERS: Final = """
DELETE FROM stored_answers WHERE request_id IN (
    SELECT request_id FROM stored_answers WHERE expires_at <= now() ORDER BY expires_at LIMIT 1000
)
"""

LOCK: Final = """
WITH lane AS MATERIALIZED (
    SELECT FROM lanes WHERE operator = %(operator)b AND lane = %(lane)b FOR UPDATE
)
SELECT FROM spend_accounts s CROSS JOIN lane
WHERE s.operator = %(operator)b AND s.payer = ANY(%(payer)b::bytea[])
ORDER BY s.payer FOR UPDATE OF s
"""
"""The order of locks that every writer keeps: lanes, then accounts by payer, so that no two wait in a circle. Needed
only before statements that touch several accounts; a statement that touches one locks its lane first by itself."""
