"""Each rule that the audit judges a batch by, broken once: the first difference names it and the receipt."""

from dataclasses import replace

import pytest

from audit.batch.decode import ReadBatch, read_batch
from audit.batch.form import check_form
from audit.batch.pricing import check_assets, check_pricing, terms_time
from audit.chain.assets import ADAPTER, DATASET
from audit.chain.batches import Batch, commitment
from audit.chain.events import Event
from audit.chain.prices import Prices
from audit.difference import Differences
from ledger.protocol.attribution import SetEntry
from ledger.protocol.batch import batch_commitment
from ledger.protocol.blob.encode import encode
from tests.unit.audit.building import (
    COMMITTED_AT,
    HASHES,
    OPERATOR,
    PAYERS,
    asset,
    batch_of,
    committed,
    entry,
    fields,
    receipt,
    terms,
)

pytestmark = pytest.mark.unit
SET = (SetEntry(0, 100_000), SetEntry(7, 900_000))
DAY = 86_400


def three() -> tuple[Batch, ReadBatch]:
    """Seqs 0 and 2 of the first payer, 1 of the second; the last receipt has a set."""
    return batch_of([entry(receipt(0)), entry(receipt(1, payer=PAYERS[1]), SET), entry(receipt(2))])


def spoil(read: ReadBatch, position: int, **changes: object) -> ReadBatch:
    receipts = list(read.receipts)
    receipts[position] = replace(receipts[position], **changes)
    return replace(read, receipts=tuple(receipts))


def first(batch: Batch, read: ReadBatch):
    differences = Differences()
    assert check_form(batch, read, differences) is None
    return differences.first


def test_an_honest_batch_breaks_no_rule():
    batch, read = three()
    assert check_form(batch, read, Differences()) is not None


@pytest.mark.parametrize(
    ("position", "changes", "field"),
    [
        (1, {"seq": 3}, "seq"),
        (1, {"seq": 0}, "seq"),
        (0, {"payer_index": 1}, "payerIndex"),
        (1, {"payer_index": 2}, "payerIndex"),
        (2, {"payer_index": 2}, "payerIndex"),
        (2, {"payer_index": 0}, "seq"),
        (1, {"fee_units": -1}, "feeUnits"),
        (1, {"fee_units": 21}, "sum of the fees of payer 0"),
        (2, {"cumulative_fee_units": 61}, "last cumulativeFee"),
        (0, {"set_position": 5}, "attributionSet"),
    ],
)
def test_a_broken_rule_of_one_receipt_is_named(position, changes, field):
    batch, read = three()
    found = first(batch, spoil(read, position, **changes))
    assert found.field == field
    assert found.place.batch_id == 1


def test_the_first_difference_says_which_receipt_it_is():
    batch, read = three()
    found = first(batch, spoil(read, 1, fee_units=-1))
    assert str(found) == "batch 1, receipt 1, seq 2: feeUnits must be 0 or more but is -1."
    assert found.to_json() | {"found": "-1", "position": 1, "seq": 2, "batch": 1} == found.to_json()


def test_every_header_field_is_compared_with_the_commitment():
    batch, read = three()
    for name in (
        "operator",
        "lane",
        "firstSeq",
        "count",
        "payerCount",
        "setFeCount",
        "totalFee",
        "blobCount",
        "baseTime",
    ):
        other = bytes(20) if name == "operator" else batch.header[name] + 1
        found = first(replace(batch, header={**batch.header, name: other}), read)
        assert found.field == f"{name} in the blob"


def test_a_charge_that_the_blob_does_not_have_is_named():
    batch, read = three()
    assert first(replace(batch, charges=((PAYERS[0], 41), (PAYERS[1], 20))), read).field == "payer 0 and its total"
    assert first(replace(batch, charges=batch.charges[:1]), read).field == "number of payers"


def test_a_used_element_of_2_to_the_248_or_more_is_named():
    batch, read = three()
    assert first(batch, replace(read, used_tops=b"\0\0\0\1" + read.used_tops[4:])).field == "first byte of element 3"


def test_the_commitment_is_recomputed_by_another_way_than_the_protocols():
    batch, _ = three()
    encoded = encode([entry(receipt(0)), entry(receipt(1, payer=PAYERS[1]), SET), entry(receipt(2))])
    expected = batch_commitment(encoded.header, HASHES[:1], encoded.charges)
    assert commitment(batch.header, batch.versioned_hashes, batch.charges) == expected


def price_events(*published: tuple[int, int, int]) -> list[Event]:
    """PricePublished events of asset 1: (effectiveAt, input price, output price)."""
    return [
        Event(
            "Operators", "PricePublished",
            {"operator": OPERATOR, "assetId": 1, "inputPrice": i, "outputPrice": o, "effectiveAt": since}, n, 0, b"",
        )
        for n, (since, i, o) in enumerate(published)
    ]  # fmt: skip


ASSETS = {1: asset(1, ADAPTER), 7: asset(7, DATASET), 8: asset(8, DATASET), 9: asset(9, DATASET)}


def priced(entries, published=((0, 1000, 2000),), assets=ASSETS):
    batch, read = batch_of(entries)
    differences = Differences()
    sets = check_form(batch, read, differences)
    check_pricing(batch, read, sets, assets, Prices(price_events(*published)), differences)
    return differences


def test_a_fee_of_price_times_units_rounded_up_once_is_right():
    assert priced([entry(receipt(0)), entry(receipt(1, input_units=1, output_units=0, fee_units=1))]).count == 0


def test_a_fee_one_unit_off_is_named_with_its_receipt():
    found = priced([entry(receipt(0)), entry(receipt(1, fee_units=21))])
    assert [str(difference) for difference in found.kept] == [
        "batch 1, receipt 1, seq 1: feeUnits must be 20 but is 21."
    ]


def test_the_price_in_force_at_the_terms_time_counts():
    started = COMMITTED_AT - 600
    assert priced([entry(receipt(0))], ((0, 1000, 2000), (started + 1, 5000, 5000))).count == 0
    assert priced([entry(receipt(0))], ((0, 1, 1), (started, 1000, 2000))).count == 0
    assert priced([entry(receipt(0, fee_units=0))], ()).count == 0


def test_a_start_more_than_five_minutes_after_the_first_commit_is_a_fault():
    for late, expected in ((300, []), (301, ["startedAt"])):
        assert fields(priced([entry(receipt(0, started_at=COMMITTED_AT + late))])) == expected


def test_a_fee_below_the_terms_floor_is_a_fault():
    floored = ASSETS | {1: asset(1, ADAPTER, terms(floor_input_price_units=1000, floor_output_price_units=2100))}
    assert fields(priced([entry(receipt(0))], assets=floored)) == ["feeUnits"]


def test_a_set_entry_that_the_terms_do_not_admit_is_a_fault():
    stray = (SetEntry(7, 500_000), SetEntry(9, 500_000))
    assert fields(priced([entry(receipt(0), stray)])) == ["attributionSet"]
    assert priced([entry(receipt(0), SET)]).count == 0


def test_a_set_in_fixed_mode_is_a_fault():
    fixed = ASSETS | {1: asset(1, ADAPTER, terms(mode=0))}
    assert set(fields(priced([entry(receipt(0), SET)], assets=fixed))) == {"attributionSet"}


def test_an_unknown_asset_a_dataset_and_one_registered_later_are_refused():
    batch, read = batch_of([entry(receipt(0))])
    for assets in ({}, {1: asset(1, DATASET)}, {1: replace(asset(1, ADAPTER), registered_at=(100, 1))}):
        differences = Differences()
        assert not check_assets(batch, read, assets, differences)
        assert fields(differences) == ["assetId"]
    assert check_assets(batch, read, {1: asset(1, ADAPTER)}, Differences())


def test_the_terms_time_is_clamped_to_the_day_before_the_first_commit():
    _, read = batch_of([entry(receipt(0))])
    batch = committed(encode([entry(receipt(0))]))
    for started, expected in (
        (COMMITTED_AT - 2 * DAY, COMMITTED_AT - DAY),
        (COMMITTED_AT + 5, COMMITTED_AT),
        (7, None),
    ):
        early = replace(read.receipts[0], started_at=started)
        assert terms_time(early, batch) == (expected or COMMITTED_AT - DAY)
    refilled = replace(
        batch, first_committed_at=COMMITTED_AT - DAY, terms_from=COMMITTED_AT - 2 * DAY, committed_at=COMMITTED_AT
    )
    assert terms_time(read.receipts[0], refilled) == COMMITTED_AT - DAY


def test_prices_come_from_the_newest_publication_in_force():
    prices = Prices(price_events((10, 1, 1), (20, 2, 2), (20, 3, 3)))
    assert [prices.at(OPERATOR, 1, t).input_units for t in (9, 10, 19, 20, 99)] == [0, 1, 1, 3, 3]
    assert prices.at(OPERATOR, 2, 99) == (0, 0)


def test_read_batch_gives_a_falling_sum_as_a_negative_fee():
    encoded = encode([entry(receipt(0)), entry(receipt(1))])
    blob = bytearray(encoded.blobs[0])
    blob[32 * 3 + 16 : 32 * 3 + 24] = (1000).to_bytes(8, "big")
    read = read_batch([bytes(blob)])
    assert [one.fee_units for one in read.receipts] == [1000, -960]
