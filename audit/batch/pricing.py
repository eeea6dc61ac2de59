"""The rules that need the registry and the price list: which asset, at what price, drawing on which datasets.

A batch with an unknown asset does not count, for nobody can say who earns it. A wrong price, a fee below the floor or a
set that the terms do not admit is a fault that can be challenged, but as long as the batch stands its money is split.
Source: docs/spec/validity.md and docs/spec/money.md.
"""

from collections.abc import Mapping

from audit.batch.decode import ReadBatch, ReadReceipt
from audit.batch.form import receipt_place
from audit.batch.sets import Entry
from audit.chain.assets import BY_OPERATOR, DATASET, Asset, Terms
from audit.chain.batches import Batch
from audit.chain.prices import Price, Prices
from audit.difference import Differences
from ledger.protocol.units import CLOCK_TOLERANCE_SECONDS


def terms_time(receipt: ReadReceipt, batch: Batch) -> int:
    """startedAt, but never after the first commit nor before the earliest time that the batch is judged by."""
    return max(batch.terms_from, min(batch.first_committed_at, receipt.started_at))


def fee(receipt: ReadReceipt, price: Price) -> int:
    """The receipt's units at this price, rounded up to whole base units."""
    thousandths = receipt.input_units * price.input_units + receipt.output_units * price.output_units
    return (thousandths + 999) // 1000


def check_assets(batch: Batch, read: ReadBatch, assets: Mapping[int, Asset], differences: Differences) -> bool:
    """Whether every receipt names a model or adapter that was registered before the batch was committed."""
    before = differences.count
    for receipt in read.receipts:
        asset = assets.get(receipt.asset_id)
        if asset is None or asset.registered_at > batch.committed_in or asset.kind == DATASET:
            place = receipt_place(batch, receipt)
            differences.note(place, "assetId", "a registered model or adapter", receipt.asset_id)
    return differences.count == before


def check_pricing(
    batch: Batch,
    read: ReadBatch,
    sets: Mapping[int, tuple[Entry, ...]],
    assets: Mapping[int, Asset],
    prices: Prices,
    differences: Differences,
) -> None:
    """Compare every fee with price times units and with the floor, and every set with what the terms admit."""
    for receipt in read.receipts:
        place, second = receipt_place(batch, receipt), terms_time(receipt, batch)
        latest = batch.first_committed_at + CLOCK_TOLERANCE_SECONDS
        if receipt.started_at > latest:
            differences.note(place, "startedAt", f"{latest} or earlier, by the first commit", receipt.started_at)
        terms = assets[receipt.asset_id].at(second)
        priced = fee(receipt, prices.at(read.operator, receipt.asset_id, second))
        differences.compare(place, "feeUnits", priced, receipt.fee_units)
        floor = fee(receipt, Price(terms.floor_input_price_units, terms.floor_output_price_units))
        if receipt.fee_units < floor:
            differences.note(place, "feeUnits", f"{floor} or more, by the terms' floor", receipt.fee_units)
        if receipt.set_position:
            for entry in inadmissible(terms, sets[receipt.set_position]):
                differences.note(place, "attributionSet", f"of datasets in {terms.datasets}", entry.asset_id)


def inadmissible(terms: Terms, entries: tuple[Entry, ...]) -> list[Entry]:
    """The entries that the terms do not admit; all of them where no set is allowed."""
    if terms.mode != BY_OPERATOR:
        return list(entries)
    return [entry for entry in entries if entry.asset_id and entry.asset_id not in terms.datasets]
