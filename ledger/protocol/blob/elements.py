"""The five kinds of field element, one at a time: what a fraud proof or an opening shows.

The batch codec (codec.py) writes and reads the same bytes for whole batches.
Source: docs/spec/blob.md.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

from ledger.errors import BlobFormatError
from ledger.protocol.attribution import ENTRIES_PER_PART, ENTRY_BYTES, SetEntry, entry_bytes
from ledger.protocol.batch import BatchHeader
from ledger.protocol.blob.layout import FE_BYTES, FORMAT


class LaneElement(NamedTuple):
    """FE 0."""

    lane: int
    first_seq: int
    operator: bytes

    @classmethod
    def of(cls, header: BatchHeader) -> Self:
        """The element that a batch with this header must begin with."""
        return cls(header.lane, header.first_seq, header.operator)


class ShapeElement(NamedTuple):
    """FE 1. `base_time` is the least startedAt of the batch."""

    receipt_count: int
    payer_count: int
    set_fe_count: int
    total_fee_units: int
    blob_count: int
    base_time: int

    @classmethod
    def of(cls, header: BatchHeader) -> Self:
        """The second element of a batch with this header."""
        return cls(
            header.count,
            header.payer_count,
            header.set_fe_count,
            header.total_fee_units,
            header.blob_count,
            header.base_time,
        )


class PublicElement(NamedTuple):
    """B_i: receipt i's public fields; `cumulative_fee_units` runs over the whole batch."""

    seq_offset: int
    payer_index: int
    asset_id: int
    set_position: int
    cumulative_fee_units: int
    input_units: int
    output_units: int
    time_offset: int


class PayerElement(NamedTuple):
    """P_p: a payer's total and the index of its last receipt."""

    payer: bytes
    total_units: int
    last_index: int


class SetElement(NamedTuple):
    """S_k: one of 1 to 4 parts of an attribution set, with its used entries."""

    part: int
    parts: int
    entries: tuple[SetEntry, ...]


def _cut(element: bytes, widths: Sequence[int]) -> list[bytes]:
    """The 31 used bytes cut into fields; the top byte must be zero."""
    if len(element) != FE_BYTES or element[0] != 0:
        raise BlobFormatError("a used field element has 32 bytes and a zero top byte")
    fields, at = [], 1
    for width in widths:
        fields.append(element[at : at + width])
        at += width
    return fields


def _int(data: bytes) -> int:
    return int.from_bytes(data, "big")


def pack(*fields: tuple[int, int]) -> bytes:
    """32 bytes: a zero byte, then each (value, width in bytes) big-endian."""
    return b"\0" + b"".join(value.to_bytes(width, "big") for value, width in fields)


def lane_element(header: LaneElement) -> bytes:
    """FE 0 of a batch."""
    return pack((FORMAT, 1), (header.lane, 2), (header.first_seq, 8), (_int(header.operator), 20))


def read_lane_element(element: bytes) -> LaneElement:
    """FE 0's fields.

    Raises:
        BlobFormatError: another format, or not a used element.
    """
    kind, lane, first_seq, operator = _cut(element, (1, 2, 8, 20))
    if kind[0] != FORMAT:
        raise BlobFormatError(f"blob format {kind[0]} is not format {FORMAT}")
    return LaneElement(_int(lane), _int(first_seq), operator)


def shape_element(shape: ShapeElement) -> bytes:
    """FE 1 of a batch."""
    return pack(*zip(shape, (3, 3, 3, 16, 1, 5), strict=True))


def read_shape_element(element: bytes) -> ShapeElement:
    """FE 1's fields."""
    return ShapeElement(*map(_int, _cut(element, (3, 3, 3, 16, 1, 5))))


def public_element(fields: PublicElement) -> bytes:
    """B_i."""
    return pack(*zip(fields, (4, 3, 4, 4, 8, 3, 3, 2), strict=True))


def read_public_element(element: bytes) -> PublicElement:
    """B_i's fields."""
    return PublicElement(*map(_int, _cut(element, (4, 3, 4, 4, 8, 3, 3, 2))))


def payer_element(fields: PayerElement) -> bytes:
    """P_p."""
    return pack((_int(fields.payer), 20), (fields.total_units, 8), (fields.last_index, 3))


def read_payer_element(element: bytes) -> PayerElement:
    """P_p's fields."""
    payer, total, last = _cut(element, (20, 8, 3))
    return PayerElement(payer, _int(total), _int(last))


def set_elements(entries: Sequence[SetEntry]) -> list[bytes]:
    """The S elements of a non-empty set, 4 entries a part."""
    parts = -(-len(entries) // ENTRIES_PER_PART)
    elements = []
    for part in range(parts):
        chunk = entry_bytes(entries[part * ENTRIES_PER_PART : (part + 1) * ENTRIES_PER_PART])
        body = chunk.ljust(ENTRIES_PER_PART * ENTRY_BYTES, b"\0")
        elements.append(bytes([0, part, parts, 0]) + body)
    return elements


def read_set_element(element: bytes) -> SetElement:
    """S_k's fields; an entry is used when its ppm is not zero.

    Raises:
        BlobFormatError: the padding byte is not zero, or an unused entry is not all zero or
            stands before a used one.
    """
    fields = _cut(element, (1, 1, 1) + (4, 3) * ENTRIES_PER_PART)
    part, parts, zero = fields[0][0], fields[1][0], fields[2][0]
    pairs = [SetEntry(_int(fields[3 + 2 * i]), _int(fields[4 + 2 * i])) for i in range(ENTRIES_PER_PART)]
    used = [pair for pair in pairs if pair.ppm]
    if zero or pairs[len(used) :] != [SetEntry(0, 0)] * (ENTRIES_PER_PART - len(used)):
        raise BlobFormatError("a set element's unused bytes are not zero at its end")
    return SetElement(part, parts, tuple(used))
