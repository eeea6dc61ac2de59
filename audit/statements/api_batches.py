"""What the API shows of batches and receipts, compared with what their blobs hold."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import zip_longest
from typing import Final

from audit.batch.decode import ReadReceipt
from audit.batch.pricing import terms_time
from audit.batch.reading import Sound
from audit.chain.assets import Asset
from audit.chain.batches import Batch
from audit.difference import Place
from audit.money.entitlement import Drawn, Weighed
from audit.statements.api import Api, Json, address, member
from ledger.protocol.units import PPM

ELEMENTS: Final = 4096
LINE: Final = (
    ("operator", "operator"), ("lane", "lane"), ("first_seq", "firstSeq"), ("count", "count"),
    ("payer_count", "payerCount"), ("set_fe_count", "setFeCount"), ("blob_count", "blobCount"),
    ("base_time", "baseTime"), ("attribution_method", "attributionMethod"),
    ("attribution_params_hash", "attributionParamsHash"),
)  # fmt: skip
"""(the API's name, the contract's name) of each header field."""


def compare_batch(api: Api, batch: Batch, sound: Sound | None, assets: Mapping[int, Asset], through_block: int) -> None:
    """Compare a batch with all its receipts and sums; `sound` is None where it does not count."""
    place = Place("api", f"batch {batch.batch_id} in the API", batch.batch_id)
    shown = api.get(f"/v1/batches/{batch.batch_id}")
    for name, ours in LINE:
        api.compare(place, name, batch.header[ours], member(shown, name))
    api.compare(place, "total_fee.units", batch.header["totalFee"], member(shown, "total_fee", "units"))
    api.compare(place, "batch_commitment", batch.commitment, member(shown, "batch_commitment"))
    api.compare(place, "versioned_hashes", list(batch.versioned_hashes), member(shown, "versioned_hashes"))
    api.compare(place, "first_committed_at", batch.first_committed_at, member(shown, "first_committed_at"))
    api.compare(place, "status", batch.status, _status(shown, through_block))
    api.compare(place, "verdict", "invalid" if sound is None else "valid", member(shown, "verdict"))
    charges = [[payer, units] for payer, units in batch.charges]
    found = [[address(charge, "payer"), member(charge, "amount", "units")] for charge in member(shown, "charges")]
    api.compare(place, "charges", charges, found)
    _compare_sums(api, place, sound.weighed if sound else {}, member(shown, "sums"))
    _compare_receipts(api, batch, sound, assets)


def compare_list(api: Api, batches: Iterable[Batch], through_block: int) -> None:
    """The API lists every batch that was committed up to a block, and no other."""
    listed = {
        member(item, "batch_id")
        for item in api.items("/v1/batches")
        if member(item, "total_fee", "block") <= through_block
    }
    expected = sorted(batch.batch_id for batch in batches)
    api.compare(Place("api", "list of batches in the API"), "batch_ids", expected, sorted(listed))


def _status(shown: Json, through_block: int) -> str:
    """The batch's status as of a block: what closed it later is left out."""
    for status in ("finalized", "voided"):
        closing = member(shown, status)
        if closing is not None and member(closing, "block") <= through_block:
            return status
    return "open"


def _compare_sums(api: Api, place: Place, weighed: Weighed, shown: Json) -> None:
    """Fee times weight, which the API gives in millionths of a unit."""
    found = {
        Drawn(
            member(row, "asset_id"), member(row, "asset_version"),
            member(row, "dataset_id") or 0, member(row, "dataset_version") or 0,
        ): member(row, "weighted_fee_units")
        for row in shown
    }  # fmt: skip
    for key in sorted(weighed.keys() | found.keys()):
        name = (
            f"sums of asset {key.asset_id} version {key.version}, "
            f"dataset {key.dataset_id} version {key.dataset_version}"
        )
        api.compare(place, name, weighed.get(key, Fraction(0)) * PPM, found.get(key, 0))


def _compare_receipts(api: Api, batch: Batch, sound: Sound | None, assets: Mapping[int, Asset]) -> None:
    shown = api.items(f"/v1/batches/{batch.batch_id}/receipts")
    for position, (receipt, item) in enumerate(zip_longest(sound.read.receipts if sound else (), shown)):
        seq = receipt.seq if receipt else None
        place = Place("api", f"batch {batch.batch_id} in the API", batch.batch_id, position, seq)
        if receipt is None or item is None or sound is None:
            api.compare(place, "receipt", "there" if receipt else "not there", "there" if item else "not there")
        else:
            _compare_receipt(api, place, batch, sound, receipt, item, assets)


def _compare_receipt(
    api: Api,
    place: Place,
    batch: Batch,
    sound: Sound,
    receipt: ReadReceipt,
    item: Json,
    assets: Mapping[int, Asset],
) -> None:
    read = sound.read
    shown_set = [[member(e, "asset_id"), member(e, "ppm")] for e in member(item, "attribution_set")]
    blob_a, index_a = divmod(2 + 2 * receipt.position, ELEMENTS)
    blob_b, index_b = divmod(3 + 2 * receipt.position, ELEMENTS)
    for name, expected, found in (
        ("operator", read.operator, member(item, "operator")),
        ("lane", read.lane, member(item, "lane")),
        ("seq", receipt.seq, member(item, "seq")),
        ("digest31", receipt.digest31, member(item, "digest31")),
        ("payer", read.payers[receipt.payer_index].payer, member(item, "payer")),
        ("asset_id", receipt.asset_id, member(item, "asset_id")),
        (
            "asset_version",
            assets[receipt.asset_id].at(terms_time(receipt, batch)).version,
            member(item, "asset_version"),
        ),
        ("fee.units", receipt.fee_units, member(item, "fee", "units")),
        ("input_units", receipt.input_units, member(item, "input_units")),
        ("output_units", receipt.output_units, member(item, "output_units")),
        ("started_at", receipt.started_at, member(item, "started_at")),
        ("attribution_set", [list(entry) for entry in sound.entries(receipt)], shown_set),
        ("place.position", receipt.position, member(item, "place", "position")),
        ("place.versioned_hash_a", batch.versioned_hashes[blob_a], member(item, "place", "versioned_hash_a")),
        ("place.index_a", index_a, member(item, "place", "index_a")),
        ("place.versioned_hash_b", batch.versioned_hashes[blob_b], member(item, "place", "versioned_hash_b")),
        ("place.index_b", index_b, member(item, "place", "index_b")),
    ):
        api.compare(place, name, expected, found)
