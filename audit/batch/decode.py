"""The field elements of a batch, read one by one with slices.

Nothing is vectorised and nothing is shared with the codec that wrote or indexed the blobs. Where the bytes stand is
docs/spec/blob.md: element n is bytes 32n to 32n+31 of the blobs laid end to end; byte 0 of a used one is zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ledger.errors import BlobFormatError

ELEMENT_BYTES: Final = 32
BLOB_BYTES: Final = 4096 * ELEMENT_BYTES
MAX_BLOBS: Final = 6


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """A_i and B_i. `fee_units` is the step of the running sum; it is negative where the sum falls."""

    position: int
    digest31: bytes
    seq: int
    payer_index: int
    asset_id: int
    set_position: int
    cumulative_fee_units: int
    fee_units: int
    input_units: int
    output_units: int
    started_at: int


@dataclass(frozen=True, slots=True)
class ReadPayer:
    """P_p."""

    payer: bytes
    total_units: int
    last_index: int


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """A batch as its blobs tell it. Nothing in here has been judged yet."""

    operator: bytes
    lane: int
    first_seq: int
    count: int
    payer_count: int
    set_fe_count: int
    total_fee_units: int
    blob_count: int
    base_time: int
    receipts: tuple[ReadReceipt, ...]
    payers: tuple[ReadPayer, ...]
    set_elements: tuple[bytes, ...]
    used_tops: bytes
    """The first byte of every used element: each must be zero."""

    @property
    def first_set_position(self) -> int:
        """Position of S_0 among the elements."""
        return 2 + 2 * self.count + self.payer_count


def number(element: bytes, start: int, stop: int) -> int:
    """Bytes start to stop - 1 of an element as a big-endian integer."""
    return int.from_bytes(element[start:stop], "big")


def read_batch(blobs: Sequence[bytes]) -> ReadBatch:
    """The batch in these blobs.

    Raises:
        BlobFormatError: the elements that the header speaks of do not fit these blobs, or it is another format.
    """
    run = b"".join(blobs)
    if not 1 <= len(blobs) <= MAX_BLOBS or len(run) != len(blobs) * BLOB_BYTES:
        raise BlobFormatError(f"{len(blobs)} blobs of {len(run)} bytes in all are no batch.")
    elements = [run[at : at + ELEMENT_BYTES] for at in range(0, len(run), ELEMENT_BYTES)]
    lane_element, shape_element = elements[0], elements[1]
    if lane_element[1] != 1:
        raise BlobFormatError(f"The blobs are of format {lane_element[1]}, not of format 1.")
    first_seq = number(lane_element, 4, 12)
    count, payer_count, set_fe_count = (number(shape_element, at, at + 3) for at in (1, 4, 7))
    base_time = number(shape_element, 27, 32)
    used = 2 + 2 * count + payer_count + set_fe_count
    if used > len(elements):
        raise BlobFormatError(f"The header asks for {used} elements, the blobs have {len(elements)}.")
    payers_at, sets_at = 2 + 2 * count, 2 + 2 * count + payer_count
    return ReadBatch(
        operator=lane_element[12:32],
        lane=number(lane_element, 2, 4),
        first_seq=first_seq,
        count=count,
        payer_count=payer_count,
        set_fe_count=set_fe_count,
        total_fee_units=number(shape_element, 10, 26),
        blob_count=shape_element[26],
        base_time=base_time,
        receipts=_read_receipts(elements[2:payers_at], first_seq, base_time),
        payers=tuple(
            ReadPayer(element[1:21], number(element, 21, 29), number(element, 29, 32))
            for element in elements[payers_at:sets_at]
        ),
        set_elements=tuple(elements[sets_at:used]),
        used_tops=bytes(element[0] for element in elements[:used]),
    )


def _read_receipts(elements: Sequence[bytes], first_seq: int, base_time: int) -> tuple[ReadReceipt, ...]:
    """A_0, B_0, A_1, B_1 and so on as receipts; each fee is what the running sum grew by."""
    receipts = []
    before = 0
    for position in range(len(elements) // 2):
        a, b = elements[2 * position], elements[2 * position + 1]
        running = number(b, 16, 24)
        receipts.append(
            ReadReceipt(
                position=position,
                digest31=a[1:32],
                seq=first_seq + number(b, 1, 5),
                payer_index=number(b, 5, 8),
                asset_id=number(b, 8, 12),
                set_position=number(b, 12, 16),
                cumulative_fee_units=running,
                fee_units=running - before,
                input_units=number(b, 24, 27),
                output_units=number(b, 27, 30),
                started_at=base_time + number(b, 30, 32),
            )
        )
        before = running
    return tuple(receipts)
