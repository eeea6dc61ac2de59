"""The entitlement rule of docs/spec/money.md in SQL, once: whoever adds entitlements up in PostgreSQL puts it in.

A query names the pieces in braces and goes through `with_rule`. Every sum is over NUMERIC integers, so no order and
no grouping changes it. `ledger.protocol.entitlement` is the same rule for who has the sums in hand.

`{counted}`   whether a batch `b` counts at the block `:through`; one block counts the same batches for ever.
`{weighted}`  what all counted receipts of one operator charged for one asset version, drawing on one dataset version.
`{pots}`      columns that divide a weighted fee `w.fee` by the terms `t` of the served asset version. The numerators
              are over 10^30 already; a pot is to be multiplied by its holders' effective shares: `royalty_pot` by those
              of the asset version, `data_pot` by those of the dataset version.
`{holders}`   who holds the effective shares of every asset version, contributor lists divided among their contributors:
              a relation (asset_id, version, payee, share, list_id), list_id NULL for a share held directly.
`{owed}`      common table expressions, the last of them `owed (payee, numerator)`: everybody above the address `:after`
              who is owed anything. One pass: its cost follows batches, assets and payees, never receipts.
`{earned}`    common table expressions, the last of them `earned (batch_id, fill, source, asset_id, asset_version,
              dataset_id, dataset_version, list_id, numerator)`: where `:payee` earns, of all batches, counted or not. `source` is
              `protocol`, `operator`, `royalty` (a share of what served) or `data` (a share of a dataset drawn on).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from sqlalchemy import TextClause, bindparam, text
from sqlalchemy.types import Numeric

from ledger.protocol.contributors import LIST_TAG
from ledger.protocol.units import PPM, SHARE_ONE

FROM_THE_FIRST: Final = b""
"""`:after` of a reader that wants all payees."""

_COUNTED: Final = "b.finalized_block_number <= :through AND b.verdict = 'valid'"

_WEIGHTED: Final = """
    SELECT b.operator, s.asset_id, s.asset_version, s.dataset_id, s.dataset_version, sum(s.weighted_fee_units) AS fee
    FROM batches b JOIN batch_sums s USING (batch_id, fill)
    WHERE {counted}
    GROUP BY b.operator, s.asset_id, s.asset_version, s.dataset_id, s.dataset_version
"""

_POTS: Final = """
    w.fee * :protocol_ppm * :whole AS protocol_numerator,
    w.fee * (:ppm - :protocol_ppm - t.royalty_ppm) * :whole AS operator_numerator,
    w.fee * t.royalty_ppm * (:ppm - CASE WHEN w.dataset_id = 0 THEN 0 ELSE t.data_ppm END) AS royalty_pot,
    w.fee * t.royalty_ppm * CASE WHEN w.dataset_id = 0 THEN 0 ELSE t.data_ppm END AS data_pot
"""

# A share of a list that is not complete has no holder: what is owed then does not add up, and nothing is paid.
_HOLDERS: Final = """(
    SELECT asset_id, version, payee, CAST(share AS numeric) AS share, CAST(NULL AS bigint) AS list_id
    FROM effective_shares WHERE substring(payee FROM 1 FOR 16) <> {list_tag}
    UNION ALL
    SELECT e.asset_id, e.version, c.contributor,
           div(e.share * c.cumulative_weight, l.total_weight)
               - div(e.share * (c.cumulative_weight - c.weight), l.total_weight),
           l.list_id
    FROM effective_shares e
    JOIN contributor_lists l ON l.payee = e.payee AND l.completed_block_number IS NOT NULL
    JOIN contributors c ON c.list_id = l.list_id
)"""

# `pots` holds all that falls to an asset version's effective shares, as the asset served or as the dataset drawn on,
# so that each share is multiplied once.
_OWED: Final = """
    weighted AS MATERIALIZED ({weighted}), divided AS MATERIALIZED (
        SELECT w.operator, w.asset_id, w.asset_version, w.dataset_id, w.dataset_version, {pots}
        FROM weighted w JOIN terms t ON t.asset_id = w.asset_id AND t.version = w.asset_version
    ), pots AS MATERIALIZED (
        SELECT asset_id, version, sum(pot) AS pot FROM (
            SELECT asset_id, asset_version AS version, royalty_pot AS pot FROM divided
            UNION ALL
            SELECT dataset_id, dataset_version, data_pot FROM divided WHERE dataset_id <> 0
        ) AS parts WHERE pot > 0 GROUP BY asset_id, version
    ), parts AS (
        SELECT CAST(:protocol_payee AS bytea) AS payee, sum(protocol_numerator) AS numerator FROM divided
        UNION ALL
        SELECT operator, sum(operator_numerator) FROM divided GROUP BY operator
        UNION ALL
        SELECT e.payee, p.pot * e.share
        FROM pots p JOIN {holders} AS e ON e.asset_id = p.asset_id AND e.version = p.version
    ), owed AS (
        SELECT payee, sum(numerator) AS numerator FROM parts WHERE payee > :after
        GROUP BY payee HAVING sum(numerator) > 0
    )
"""

# `divided` is left to the planner, which reads only what joins with the payee's shares.
_EARNED: Final = """
    mine AS MATERIALIZED (
        SELECT asset_id, version, share, list_id FROM {holders} AS h WHERE payee = :payee
    ), divided AS NOT MATERIALIZED (
        SELECT w.batch_id, w.fill, w.asset_id, w.asset_version, w.dataset_id, w.dataset_version, {pots}
        FROM (SELECT *, weighted_fee_units AS fee FROM batch_sums) w
        JOIN terms t ON t.asset_id = w.asset_id AND t.version = w.asset_version
    ), sources AS (
        SELECT d.*, m.list_id, 'royalty' AS source, d.royalty_pot * m.share AS numerator
        FROM mine m JOIN divided d ON d.asset_id = m.asset_id AND d.asset_version = m.version
        UNION ALL
        SELECT d.*, m.list_id, 'data', d.data_pot * m.share
        FROM mine m JOIN divided d ON d.dataset_id = m.asset_id AND d.dataset_version = m.version
        WHERE d.dataset_id <> 0
        UNION ALL
        SELECT d.*, NULL, 'operator', d.operator_numerator
        FROM batches b JOIN divided d USING (batch_id, fill) WHERE b.operator = :payee
        UNION ALL
        SELECT d.*, NULL, 'protocol', d.protocol_numerator FROM divided d WHERE :payee = :protocol_payee
    ), earned AS (
        SELECT batch_id, fill, source, asset_id, asset_version, dataset_id, dataset_version, list_id, numerator
        FROM sources WHERE numerator > 0
    )
"""

_PIECES: Final[dict[str, str]] = {
    "counted": _COUNTED,
    "pots": _POTS,
    "holders": _HOLDERS.format(list_tag=f"decode('{LIST_TAG.hex()}', 'hex')"),
}
_PIECES["weighted"] = _WEIGHTED.format_map(_PIECES)
_PIECES["owed"] = _OWED.format_map(_PIECES)
_PIECES["earned"] = _EARNED.format_map(_PIECES)

_CONSTANTS: Final = {
    "ppm": bindparam("ppm", Decimal(PPM), Numeric),
    "whole": bindparam("whole", Decimal(PPM * SHARE_ONE), Numeric),
    "protocol_ppm": bindparam("protocol_ppm", type_=Numeric),
}


def with_rule(statement: str) -> TextClause:
    """The statement with the rule's pieces put in and its constants bound.

    What is left for the reader to give: `:through`; for `{owed}` and `{earned}` also `:protocol_ppm` and
    `:protocol_payee`, and `:after` or `:payee`.
    """
    complete = text(statement.format_map(_PIECES))
    return complete.bindparams(*(_CONSTANTS[name] for name in complete.compile().params if name in _CONSTANTS))
