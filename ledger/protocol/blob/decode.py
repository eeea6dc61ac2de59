"""The blobs of a batch to columns, vectorised with numpy.

Nothing is judged here but whether the bytes can be read at all: faults.py judges the rest.
Source: docs/spec/blob.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ledger.errors import BlobFormatError
from ledger.protocol.batch import BatchHeader
from ledger.protocol.blob import layout
from ledger.protocol.blob.elements import read_lane_element, read_shape_element
from ledger.protocol.blob.records import PAYER, PUBLIC, Elements, Ints, Units, u24
from ledger.protocol.hexadecimal import ZERO_HASH


@dataclass(frozen=True, slots=True)
class BatchColumns:
    """A decoded batch: n receipts as columns of length n, P payers, K set elements."""

    header: BatchHeader
    elements: Elements
    """Every FE of the blobs, shape (4096 * blobs, 32)."""
    digests: Elements
    """First 31 bytes of each receipt's digest, shape (n, 31)."""
    seq_offset: Ints
    payer_index: Ints
    asset_id: Ints
    set_position: Ints
    cumulative_fee_units: Units
    input_units: Ints
    output_units: Ints
    time_offset: Ints
    payers: tuple[bytes, ...]
    payer_totals: Units
    payer_last_index: Ints
    set_elements: Elements
    """The S elements, shape (K, 32)."""

    @property
    def fee_units(self) -> Units:
        """Each receipt's fee: differences of the running sum, modulo 2^64 where it falls."""
        fees: Units = np.diff(self.cumulative_fee_units, prepend=np.uint64(0))
        return fees

    def set_at(self, position: int) -> Elements:
        """The S elements from the FE position on; empty when it points outside."""
        first = layout.s_position(self.header.count, self.header.payer_count, 0)
        k = position - first
        return self.set_elements[k : k + 4] if 0 <= k < len(self.set_elements) else _NONE


_NONE: Final = np.zeros((0, 32), np.uint8)


def decode(
    blobs: Sequence[bytes],
    attribution_method: bytes = ZERO_HASH,
    attribution_params_hash: bytes = ZERO_HASH,
) -> BatchColumns:
    """The columns of a batch; nothing but their readability is judged.

    Raises:
        BlobFormatError: a blob of another length, another format, no blobs or more than six, or
            a layout that does not fit the blobs.
    """
    if not 1 <= len(blobs) <= layout.MAX_BLOBS or any(len(b) != layout.BLOB_BYTES for b in blobs):
        raise BlobFormatError("a batch is 1 to 6 blobs of 131072 bytes")
    elements = np.frombuffer(b"".join(blobs), np.uint8).reshape(-1, 32)
    lane = read_lane_element(elements[0].tobytes())
    shape = read_shape_element(elements[1].tobytes())
    n, n_payers = shape.receipt_count, shape.payer_count
    fes = layout.used_fes(n, n_payers, shape.set_fe_count)
    if n < 1 or not 1 <= n_payers <= n or fes > len(elements):
        raise BlobFormatError(f"a batch of {n} receipts, {n_payers} payers does not fit its blobs")
    header = BatchHeader(
        operator=lane.operator,
        lane=lane.lane,
        first_seq=lane.first_seq,
        count=n,
        payer_count=n_payers,
        set_fe_count=shape.set_fe_count,
        total_fee_units=shape.total_fee_units,
        blob_count=shape.blob_count,
        base_time=shape.base_time,
        attribution_method=attribution_method,
        attribution_params_hash=attribution_params_hash,
    )
    body = elements[2 : 2 + 2 * n].reshape(n, 64)
    public = np.ascontiguousarray(body[:, 32:]).view(PUBLIC)[:, 0]
    at = layout.p_position(n, 0)
    payer_rows = np.ascontiguousarray(elements[at : at + n_payers])
    payer = payer_rows.view(PAYER)[:, 0]
    return BatchColumns(
        header=header,
        elements=elements,
        digests=body[:, 1:32],
        seq_offset=public["seq_offset"].astype(np.int64),
        payer_index=u24(public["payer_index"]),
        asset_id=public["asset_id"].astype(np.int64),
        set_position=public["set_position"].astype(np.int64),
        cumulative_fee_units=public["cumulative_fee"].astype(np.uint64),
        input_units=u24(public["input_units"]),
        output_units=u24(public["output_units"]),
        time_offset=public["time_offset"].astype(np.int64),
        payers=tuple(row[1:21].tobytes() for row in payer_rows),
        payer_totals=payer["total"].astype(np.uint64),
        payer_last_index=u24(payer["last_index"]),
        set_elements=elements[at + n_payers : at + n_payers + shape.set_fe_count],
    )
