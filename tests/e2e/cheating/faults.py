"""Bad batches, each false in one way: what a cheating operator signs, and what it then posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ledger.protocol.attribution import AttributionSet, SetEntry, attribution_hash
from ledger.protocol.blob.encode import BatchEntry, EncodedBatch, encode
from ledger.protocol.blob.layout import FE_BYTES, a_position, b_position, p_position, s_position
from ledger.protocol.receipt import Receipt

if TYPE_CHECKING:
    from ledger.protocol.domain import Domain

SEQ, PAYER, ASSET, SET, FEE, TIME = (1, 4), (5, 3), (8, 4), (12, 4), (16, 8), (30, 2)
"""(offset, width) of fields in a B element."""


@dataclass(frozen=True)
class Goods:
    """What the operator may serve: a model by attribution, one by fixed shares, one with a high floor, and datasets."""

    model: int
    fixed_model: int
    dear_model: int
    datasets: tuple[int, ...]


@dataclass(frozen=True)
class Signed:
    """A receipt as the operator signed it for its client, and as it goes into the batch."""

    signed: Receipt
    posted: Receipt
    attribution: AttributionSet = ()


Change = Callable[[list[Signed], Goods], list[Signed]]
Edit = Callable[[bytearray, EncodedBatch, Goods], None]


@dataclass(frozen=True)
class Cheat:
    """One way to cheat.

    Attributes:
        challenge: the contract's function that proves it; None for an honest batch.
        rule: the fault's name as the contract's event tells it.
        change: what is done to the receipts before they are encoded.
        edit: what is done to the blob after.
    """

    challenge: str | None
    rule: str
    change: Change | None = None
    edit: Edit | None = None

    def batch(self, receipts: list[Signed], goods: Goods, domain: Domain) -> tuple[EncodedBatch, list[Receipt]]:
        """The batch to post, and the receipts that clients hold."""
        changed = receipts if self.change is None else self.change(receipts, goods)
        entries = [BatchEntry(r.posted, r.signed.digest(domain), r.attribution) for r in changed]
        encoded = encode(entries)
        if self.edit is not None:
            blob = bytearray(encoded.blobs[0])
            self.edit(blob, encoded, goods)
            encoded = replace(encoded, blobs=(bytes(blob),))
        return encoded, [r.signed for r in changed]


def _byte(position: int, offset: int, value: int, *, add: bool = False) -> Edit:
    def edit(blob: bytearray, _batch: EncodedBatch, _goods: Goods) -> None:
        at = position * FE_BYTES + offset
        blob[at] = (blob[at] + value) % 256 if add else value

    return edit


def _b(i: int, field: tuple[int, int], value: int | Callable[[Goods], int]) -> Edit:
    def edit(blob: bytearray, _batch: EncodedBatch, goods: Goods) -> None:
        at, width = b_position(i) * FE_BYTES + field[0], field[1]
        blob[at : at + width] = (value if isinstance(value, int) else value(goods)).to_bytes(width, "big")

    return edit


def _payer(p: int, offset: int, value: int) -> Edit:
    def edit(blob: bytearray, batch: EncodedBatch, _goods: Goods) -> None:
        blob[p_position(batch.header.count, p) * FE_BYTES + offset] = value

    return edit


def _part(k: int, *values: tuple[int, int]) -> Edit:
    """Bytes (offset, value) of S_k."""

    def edit(blob: bytearray, batch: EncodedBatch, _goods: Goods) -> None:
        at = s_position(batch.header.count, batch.header.payer_count, k) * FE_BYTES
        for offset, value in values:
            blob[at + offset] = value

    return edit


def _all(*edits: Edit) -> Edit:
    def edit(blob: bytearray, batch: EncodedBatch, goods: Goods) -> None:
        for each in edits:
            each(blob, batch, goods)

    return edit


def _point_into_the_middle(blob: bytearray, batch: EncodedBatch, goods: Goods) -> None:
    middle = s_position(batch.header.count, batch.header.payer_count, 1)  # the first set has two parts
    _b(0, SET, middle)(blob, batch, goods)


def _overcharge(receipts: list[Signed], _goods: Goods) -> list[Signed]:
    first, *others = receipts
    dear = replace(first.posted, fee_units=first.posted.fee_units + 1)
    return [replace(first, signed=dear, posted=dear), *others]


def _start_later(receipts: list[Signed], _goods: Goods) -> list[Signed]:
    return [replace(r, posted=replace(r.posted, started_at=r.posted.started_at + 5_000)) for r in receipts]


def _promise_less(receipts: list[Signed], _goods: Goods) -> list[Signed]:
    first, *others = receipts
    return [replace(first, signed=replace(first.signed, fee_units=first.signed.fee_units - 1)), *others]


def _charge_another(receipts: list[Signed], _goods: Goods) -> list[Signed]:
    first, *others = receipts
    return [replace(first, posted=replace(first.posted, payer=others[-1].posted.payer)), *others]


def _sell_below_floor(receipts: list[Signed], goods: Goods) -> list[Signed]:
    def cheap(receipt: Receipt) -> Receipt:
        return replace(receipt, asset_id=goods.dear_model, attribution_hash=bytes(32))

    return [Signed(cheap(r.signed), cheap(r.posted)) for r in receipts]


def _set_under_fixed_shares(receipts: list[Signed], goods: Goods) -> list[Signed]:
    first, *others = receipts
    fixed = replace(first.signed, asset_id=goods.fixed_model)
    return [with_set(Signed(fixed, fixed), (SetEntry(goods.datasets[0], 1_000_000),)), *others]


def _name_other_data(receipts: list[Signed], goods: Goods) -> list[Signed]:
    first, *others = receipts
    return [replace(first, attribution=(SetEntry(goods.datasets[1], 1_000_000),)), *others]


def _name_strange_data(receipts: list[Signed], goods: Goods) -> list[Signed]:
    """The set names a dataset that the terms do not admit."""
    first, *others = receipts
    chosen = (SetEntry(max(goods.datasets) + 1_000, 1_000_000),)
    return [with_set(first, chosen), *others]


def with_set(receipt: Signed, chosen: AttributionSet) -> Signed:
    """The receipt with another set, signed so."""
    named = attribution_hash(chosen)
    signed, posted = (replace(r, attribution_hash=named) for r in (receipt.signed, receipt.posted))
    return Signed(signed, posted, chosen)


_PAYER_RANGE: Final = "payer_index_out_of_range"

HONEST: Final = "no fault at all"

CHEATS: Final[Mapping[str, Mapping[str, Cheat]]] = {
    HONEST: {"an honest batch": Cheat(None, "")},
    "header, charges or range": {
        "another format": Cheat("challengeHeader", "header_differs_from_commitment", edit=_byte(0, 1, 2)),
        "another base time": Cheat("challengeHeader", "header_differs_from_commitment", edit=_byte(1, 31, 1, add=True)),
        "a payer's total": Cheat("challengeCharge", "payer_differs_from_charge", edit=_payer(1, 28, 9)),
        "an element of 2^248": Cheat("challengeElement", "element_out_of_range", edit=_byte(a_position(2), 0, 1)),
    },
    "a receipt by itself": {
        "a seq outside": Cheat("challengeReceipt", "seq_offset_out_of_range", edit=_b(3, SEQ, 200)),
        "a payer that is not there": Cheat("challengeReceipt", _PAYER_RANGE, edit=_b(3, PAYER, 7)),
        "a first payer left out": Cheat("challengeReceipt", _PAYER_RANGE, edit=_all(_b(0, PAYER, 1), _b(1, PAYER, 1))),
        "a sum that is not the total": Cheat("challengeReceipt", "cumulative_fee_total", edit=_b(3, FEE, 2**40)),
        "an asset that nobody registered": Cheat("challengeReceipt", "asset_unknown", edit=_b(3, ASSET, 9_999)),
        "a start after the commit": Cheat("challengeReceipt", "started_after_commit", change=_start_later),
        "a dataset that serves": Cheat(
            "challengeReceipt", "asset_is_dataset", edit=_b(3, ASSET, lambda g: g.datasets[0])
        ),
    },
    "receipts out of order": {
        "payers that fall": Cheat("challengeNeighbours", "payer_order", edit=_all(_b(1, PAYER, 1), _b(2, PAYER, 0))),
        "seqs that fall": Cheat("challengeNeighbours", "seq_order", edit=_all(_b(0, SEQ, 1), _b(1, SEQ, 0))),
        "fees that fall": Cheat("challengeNeighbours", "cumulative_fee_falls", edit=_b(0, FEE, 2**40)),
    },
    "a payer's total": {
        "a payer pays for another": Cheat("challengePayerTotal", "payer_total", edit=_b(1, FEE, 6_001))
    },
    "a payer's last index": {
        "a receipt hidden": Cheat("challengePayerLast", "payer_last_index", edit=_payer(0, 31, 0))
    },
    "a seq twice": {"a receipt posted twice": Cheat("challengeDuplicate", "seq_duplicate", edit=_b(3, SEQ, 2))},
    "a receipt altered": {
        "another digest": Cheat("challengeAltered", "receipt_altered", edit=_byte(a_position(2), 5, 1, add=True))
    },
    "a field that was not signed": {
        "another start": Cheat("challengeField", "receipt_field_differs", edit=_b(1, TIME, 60)),
        "another payer": Cheat("challengeField", "receipt_field_differs", change=_charge_another),
        "another fee": Cheat("challengeSignedFee", "receipt_fee_differs", change=_promise_less),
        "another set": Cheat("challengeSignedSet", "receipt_set_differs", change=_name_other_data),
    },
    "a fee": {
        "a fee above the price": Cheat("challengePrice", "fee_differs_from_price", change=_overcharge),
        "a fee below the floor": Cheat("challengeFloor", "fee_below_floor", change=_sell_below_floor),
    },
    "a set": {
        "a part too many": Cheat("challengeSetPart", "set_malformed", edit=_part(2, (1, 1))),
        "parts that do not go together": Cheat(
            "challengeSetNeighbours", "set_malformed", edit=_part(2, (1, 1), (2, 2))
        ),
        "a sum above a million": Cheat("challengeSetSum", "set_malformed", edit=_part(2, (10, 255))),
        "a dataset not admitted": Cheat("challengeAdmission", "set_not_admitted", change=_name_strange_data),
        "a set under fixed shares": Cheat("challengeAdmission", "set_in_fixed_mode", change=_set_under_fixed_shares),
        "a set outside": Cheat("challengeSetPointer", "set_pointer", edit=_b(3, SET, 5)),
        "the middle of a set": Cheat("challengeSetPointer", "set_pointer", edit=_point_into_the_middle),
    },
}
"""The rows of the protocol's table of faults, and the ways in which each is tried."""
