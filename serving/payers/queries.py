"""SQL of payers' accounts, authorizations and keys."""

from __future__ import annotations

from typing import Final

KEY: Final = """
SELECT key_id, payer, operator, label FROM api_keys WHERE key_hash = %(key_hash)s AND revoked_at IS NULL
"""

INSERT_KEY: Final = """
INSERT INTO api_keys (key_id, key_hash, payer, operator, authorization_digest, label)
VALUES (%(key_id)s, %(key_hash)s, %(payer)s, %(operator)s, %(authorization_digest)s, %(label)s)
"""

REVOKE_KEY: Final = """
UPDATE api_keys SET revoked_at = now() WHERE key_id = %(key_id)s AND payer = %(payer)s AND revoked_at IS NULL
RETURNING key_hash
"""

INSERT_AUTHORIZATION: Final = """
INSERT INTO spend_authorizations (digest, payer, operator, cap_units, valid_until, signature, signer)
VALUES (%(digest)s, %(payer)s, %(operator)s, %(cap_units)s, %(valid_until)s, %(signature)s, %(signer)s)
ON CONFLICT (digest) DO NOTHING RETURNING digest
"""

AUTHORIZATIONS: Final = """
SELECT payer, cap_units, valid_until, signer FROM (
    SELECT *, row_number() OVER (PARTITION BY payer ORDER BY cap_units DESC, valid_until DESC) AS place
    FROM spend_authorizations
    WHERE operator = %(operator)s AND payer = ANY(%(payers)s) AND valid_until > %(now)s
) a WHERE place <= 8
"""
"""A payer's best authorizations; each newer one was accepted because it improved on those before."""

ACCOUNT: Final = """
SELECT balance_units, thawing_units, debt_units, collected_units, cap_units, valid_until, uncollected_units, held_units,
       spendable_units, block_number
FROM spend_accounts WHERE operator = %(operator)s AND payer = %(payer)s
"""

ACTIVE_PAYERS: Final = """
SELECT payer FROM spend_accounts WHERE operator = %(operator)s AND (uncollected_units > 0 OR held_units > 0)
"""

LANES: Final = """
SELECT lane, collected_seq, next_seq FROM lanes WHERE operator = %(operator)s AND NOT closed ORDER BY lane
"""

LOCK_LANES: Final = """
SELECT lane, collected_seq, next_seq FROM lanes WHERE operator = %(operator)s AND NOT closed ORDER BY lane FOR UPDATE
"""

LOCK_ACCOUNTS: Final = """
SELECT FROM spend_accounts WHERE operator = %(operator)s AND payer = ANY(%(payers)s) ORDER BY payer FOR UPDATE
"""

FEES_BETWEEN: Final = """
SELECT r.payer, sum(r.fee_units) FROM issued_receipts r
JOIN unnest(%(lanes)s::int[], %(from)s::bigint[], %(to)s::bigint[]) AS b(lane, first, next)
     ON r.lane = b.lane AND r.seq >= b.first AND r.seq < b.next
WHERE r.operator = %(operator)s GROUP BY r.payer
"""

MOVE_COLLECTED: Final = """
UPDATE lanes l SET collected_seq = b.next
FROM unnest(%(lanes)s::int[], %(to)s::bigint[]) AS b(lane, next)
WHERE l.operator = %(operator)s AND l.lane = b.lane
"""

MOVE_UNCOLLECTED: Final = """
UPDATE spend_accounts s SET uncollected_units = s.uncollected_units + m.units
FROM unnest(%(payers)s::bytea[], %(units)s::numeric[]) AS m(payer, units)
WHERE s.operator = %(operator)s AND s.payer = m.payer
"""

SNAPSHOT: Final = """
INSERT INTO spend_accounts (
    operator, payer, balance_units, thawing_units, debt_units, collected_units, cap_units, valid_until,
    uncollected_units, held_units, block_number
)
SELECT %(operator)s, a.payer, a.balance, a.thawing, a.debt, a.collected, a.cap, a.valid_until, 0, 0, %(block_number)s
FROM unnest(
    %(payers)s::bytea[], %(balance)s::numeric[], %(thawing)s::numeric[], %(debt)s::numeric[], %(collected)s::numeric[],
    %(cap)s::numeric[], %(valid_until)s::bigint[]
) AS a(payer, balance, thawing, debt, collected, cap, valid_until)
ON CONFLICT (operator, payer) DO UPDATE SET
    balance_units = excluded.balance_units, thawing_units = excluded.thawing_units, debt_units = excluded.debt_units,
    collected_units = excluded.collected_units, cap_units = excluded.cap_units, valid_until = excluded.valid_until,
    block_number = excluded.block_number
WHERE spend_accounts.block_number <= excluded.block_number
"""
