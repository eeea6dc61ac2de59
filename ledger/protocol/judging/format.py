"""The challenge that proves each fault of a batch's own bytes.

Source: docs/spec/contracts.md ("Challenges"); the faults are those of `ledger.protocol.blob.faults`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ledger.errors import BlobFormatError
from ledger.protocol.attribution import ENTRIES_PER_PART, MAX_PARTS
from ledger.protocol.blob.elements import (
    LaneElement,
    SetElement,
    ShapeElement,
    lane_element,
    read_set_element,
    shape_element,
)
from ledger.protocol.blob.faults import Fault, Rule
from ledger.protocol.blob.layout import FE_BYTES, HEADER_FES, b_position, p_position, s_position
from ledger.protocol.judging.proof import Argument, Challenge, Element, Proof
from ledger.protocol.units import PPM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.protocol.batch import BatchHeader
    from ledger.protocol.blob.decode import BatchColumns

_AT_RECEIPT: Final = {
    Rule.SEQ_RANGE: Challenge.RECEIPT,
    Rule.PAYER_RANGE: Challenge.RECEIPT,
    Rule.FEE_TOTAL: Challenge.RECEIPT,
    Rule.PAYER_ORDER: Challenge.NEIGHBOURS,
    Rule.SEQ_ORDER: Challenge.NEIGHBOURS,
    Rule.FEE_ORDER: Challenge.NEIGHBOURS,
    Rule.PAYER_TOTAL: Challenge.PAYER_TOTAL,
}
"""Challenges that take the index of one receipt, then its B and perhaps the next one."""


def header_proof(blobs: Sequence[bytes], header: BatchHeader) -> Proof | None:
    """The proof against the first header element that is not the committed one; None if both are.

    A batch that can not be read as format 1 at all has one: its commit was only accepted with a layout that fits.
    """
    committed = lane_element(LaneElement.of(header)), shape_element(ShapeElement.of(header))
    for position, expected in enumerate(committed):
        if blobs[0][position * FE_BYTES : (position + 1) * FE_BYTES] != expected:
            detail = f"element {position} is not the committed header's"
            return Proof(Rule.HEADER, Challenge.HEADER, (position, Element(position)), detail)
    return None


def format_proof(fault: Fault, columns: BatchColumns) -> Proof:
    """The proof of a fault in a batch whose header elements are the committed ones."""
    challenge, arguments = _challenge(fault, columns)
    return Proof(fault.rule, challenge, arguments, fault.detail)


def _challenge(fault: Fault, columns: BatchColumns) -> tuple[Challenge, tuple[Argument, ...]]:
    first = fault.positions[0]
    opened = tuple(map(Element, fault.positions))
    if fault.rule in _AT_RECEIPT:
        return _AT_RECEIPT[fault.rule], (_receipt_at(first), *opened)
    match fault.rule:
        case Rule.HEADER | Rule.ELEMENT_RANGE:
            challenge = Challenge.HEADER if fault.rule is Rule.HEADER else Challenge.ELEMENT
            return challenge, (first, *opened)
        case Rule.PAYER_CHARGE:
            return Challenge.CHARGE, (_payer_at(first, columns), *opened)
        case Rule.SEQ_DUPLICATE:
            return Challenge.DUPLICATE, (*map(_receipt_at, fault.positions), *opened)
        case Rule.PAYER_LAST:
            return _payer_last(_payer_at(first, columns), columns)
        case Rule.SET_POINTER:
            return _set_pointer(_receipt_at(first), fault.positions[1], columns)
        case _:
            return _malformed_set(columns)


def _receipt_at(position: int) -> int:
    """I of B_i."""
    return (position - HEADER_FES) // 2


def _payer_at(position: int, columns: BatchColumns) -> int:
    """P of P_p."""
    return position - p_position(columns.header.count, 0)


def _payer_last(p: int, columns: BatchColumns) -> tuple[Challenge, tuple[Argument, ...]]:
    header = columns.header
    payer = Element(p_position(header.count, p))
    last = int(columns.payer_last_index[p])
    if last >= header.count:
        return Challenge.CHARGE, (p, payer)
    i = last if columns.payer_index[last] != p else last + 1
    return Challenge.PAYER_LAST, (p, payer, i, Element(b_position(i)))


def _set_pointer(i: int, target: int, columns: BatchColumns) -> tuple[Challenge, tuple[Argument, ...]]:
    k = target - _sets_at(columns)
    parts = (Element(target),) if 0 <= k < len(columns.set_elements) else ()
    return Challenge.SET_POINTER, (i, Element(b_position(i)), parts)


def _malformed_set(columns: BatchColumns) -> tuple[Challenge, tuple[Argument, ...]]:
    """The first part that is unsound by itself, or beside the next one, or whose set has another sum."""
    at, count = _sets_at(columns), len(columns.set_elements)
    parts = [_sound(element.tobytes()) for element in columns.set_elements]
    for k, part in enumerate(parts):
        if part is None or (k == 0 and part.part) or (k + 1 == count and part.part + 1 != part.parts):
            return Challenge.SET_PART, (k, Element(at + k))
    sound = [part for part in parts if part is not None]
    for k in range(count - 1):
        if not _go_together(sound[k], sound[k + 1]):
            return Challenge.SET_NEIGHBOURS, (k, Element(at + k), Element(at + k + 1))
    heads = [k for k, part in enumerate(sound) if part.part == 0]
    bad = next(k for k in heads if _sum(sound[k : k + sound[k].parts]) != PPM)
    return Challenge.SET_SUM, (bad, tuple(Element(at + bad + n) for n in range(sound[bad].parts)))


def _sound(element: bytes) -> SetElement | None:
    """A part that breaks no rule by itself, as the contract reads it."""
    try:
        part = read_set_element(element)
    except BlobFormatError:
        return None
    if part.part >= part.parts or part.parts > MAX_PARTS or not part.entries:
        return None
    if len(part.entries) < ENTRIES_PER_PART and part.part + 1 < part.parts:
        return None
    ids = [entry.asset_id for entry in part.entries]
    return part if all(a < b for a, b in pairwise(ids)) else None


def _go_together(part: SetElement, following: SetElement) -> bool:
    if part.part + 1 >= part.parts:
        return following.part == 0
    rises = following.entries[0].asset_id > part.entries[-1].asset_id
    return (following.part, following.parts) == (part.part + 1, part.parts) and rises


def _sum(parts: Sequence[SetElement]) -> int:
    return sum(entry.ppm for part in parts for entry in part.entries)


def _sets_at(columns: BatchColumns) -> int:
    return s_position(columns.header.count, columns.header.payer_count, 0)
