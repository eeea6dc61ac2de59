"""The rulebook out of the database: what was logged when a batch was committed, and nothing later."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ledger.protocol.judging.rulebook import AssetHistory, PricePoint, Rulebook, TermsVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from indexer.verification.batch import Place

_TERMS = """
SELECT a.asset_id, a.kind, t.effective_at, t.floor_input_price_units, t.floor_output_price_units, t.mode,
       ARRAY(SELECT d.dataset_id FROM admitted_datasets d WHERE (d.asset_id, d.version) = (t.asset_id, t.version))
FROM assets a JOIN terms t USING (asset_id)
WHERE a.asset_id = ANY(%(assets)s) AND (t.block_number, t.log_index) < (%(block)s, %(log)s)
ORDER BY a.asset_id, t.version
"""
_PRICES = """
SELECT asset_id, effective_at, input_price_units, output_price_units FROM prices
WHERE operator = %(operator)s AND asset_id = ANY(%(assets)s) AND block_number <= %(block)s
ORDER BY asset_id, block_number, log_index
"""


def load_rulebook(cursor: psycopg.Cursor[Any], operator: bytes, asset_ids: Sequence[int], place: Place) -> Rulebook:
    """The rulebook for these assets as of `place`; an asset that was not there is not in it.

    Prices are those of the whole block: the contract knows them by their second alone.
    """
    values = {"assets": list(asset_ids), "block": place.block_number, "log": place.log_index, "operator": operator}
    versions: dict[int, list[TermsVersion]] = defaultdict(list)
    datasets: set[int] = set()
    for asset_id, kind, effective_at, floor_input, floor_output, mode, admitted in cursor.execute(_TERMS, values):
        version = TermsVersion(
            effective_at, int(floor_input), int(floor_output), mode == "operator", frozenset(admitted)
        )
        versions[asset_id].append(version)
        if kind == "dataset":
            datasets.add(asset_id)
    prices: dict[int, list[PricePoint]] = defaultdict(list)
    for asset_id, effective_at, input_price, output_price in cursor.execute(_PRICES, values):
        prices[asset_id].append(PricePoint(effective_at, int(input_price), int(output_price)))
    return Rulebook(
        {asset_id: AssetHistory(asset_id in datasets, tuple(known)) for asset_id, known in versions.items()},
        {asset_id: tuple(points) for asset_id, points in prices.items()},
    )
