"""A batch's elements as numpy records, so that thousands are written and read at once.

The records lay the same bytes as elements.py; tests/unit/protocol compares them.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

PUBLIC: Final = np.dtype(
    [
        ("top", "u1"),
        ("seq_offset", ">u4"),
        ("payer_index", "u1", (3,)),
        ("asset_id", ">u4"),
        ("set_position", ">u4"),
        ("cumulative_fee", ">u8"),
        ("input_units", "u1", (3,)),
        ("output_units", "u1", (3,)),
        ("time_offset", ">u2"),
    ]
)
"""B_i as one 32-byte record; three-byte integers are read with `u24`."""

PAYER: Final = np.dtype([("top", "u1"), ("payer", "V20"), ("total", ">u8"), ("last_index", "u1", (3,))])
"""P_p as one 32-byte record."""

Elements = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Units = npt.NDArray[np.uint64]


def u24(column: npt.NDArray[np.uint8]) -> Ints:
    """Three-byte big-endian integers, shape (n, 3), as int64."""
    wide = column.astype(np.int64)
    out: Ints = (wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2]
    return out


def to_u24(values: Ints) -> Elements:
    """Integers below 2^24 as three big-endian bytes each, shape (n, 3)."""
    return np.stack([values >> 16 & 255, values >> 8 & 255, values & 255], axis=1).astype(np.uint8)


def rows(elements: Sequence[bytes]) -> Elements:
    """Elements of 32 bytes as an array of shape (n, 32)."""
    return np.frombuffer(b"".join(elements), np.uint8).reshape(-1, 32)
