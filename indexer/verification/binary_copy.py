"""Rows of fixed width as PostgreSQL's binary COPY format, built by numpy: one call a batch, no Python object a row.

Every field is not null and of constant width. A NUMERIC is sent as five base-10,000 digits with its leading zeros,
which the server strips: that holds every uint64.
Source: PostgreSQL documentation, "COPY", Binary Format; src/backend/utils/adt/numeric.c, numeric_recv.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ledger.protocol.blob.records import Ints, Units

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"

_NUMERIC_DIGITS: Final = 5
_NUMERIC: Final = np.dtype(
    [("digits", ">i2"), ("weight", ">i2"), ("sign", ">i2"), ("scale", ">i2"), ("digit", ">i2", (_NUMERIC_DIGITS,))]
)
_INT8_OID: Final = 20
_INT4_OID: Final = 23


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a COPY: its name and the bytes of its value."""

    name: str
    dtype: np.dtype[Any]


def small(name: str) -> Field:
    """A SMALLINT column."""
    return Field(name, np.dtype(">i2"))


def integer(name: str) -> Field:
    """An INTEGER column."""
    return Field(name, np.dtype(">i4"))


def big(name: str) -> Field:
    """A BIGINT column."""
    return Field(name, np.dtype(">i8"))


def fixed_bytes(name: str, width: int) -> Field:
    """A BYTEA column whose values all have `width` bytes."""
    return Field(name, np.dtype(f"V{width}"))


def units(name: str) -> Field:
    """A NUMERIC column of uint64 values."""
    return Field(name, _NUMERIC)


def big_array(name: str, length: int) -> Field:
    """A BIGINT[] column whose values all have `length` elements."""
    return Field(name, _array(">i8", length))


def integer_array(name: str, length: int) -> Field:
    """An INTEGER[] column whose values all have `length` elements."""
    return Field(name, _array(">i4", length))


def _array(element: str, length: int) -> np.dtype[Any]:
    item = np.dtype([("size", ">i4"), ("value", element)])
    head: list[Any] = [(name, ">i4") for name in ("dimensions", "has_null", "oid", "length", "lower")]
    return np.dtype([*head, ("items", item, (length,))])


def records(fields: Sequence[Field], rows: int, values: Mapping[str, Any]) -> bytes:
    """The rows in COPY's binary form, without header and trailer.

    Args:
        fields: the columns, in the order that the COPY names them.
        rows: how many there are.
        values: by column name, an array of `rows` values (arrays: `rows` x length), or one value for all of them.
    """
    layout: list[Any] = [("fields", ">i2")]
    for f in fields:
        layout += [(f"{f.name} size", ">i4"), (f.name, f.dtype)]
    table = np.zeros(rows, np.dtype(layout))
    table["fields"] = len(fields)
    for f in fields:
        table[f"{f.name} size"] = f.dtype.itemsize
        _fill(table[f.name], f.dtype, values[f.name])
    return table.tobytes()


def _fill(column: npt.NDArray[Any], dtype: np.dtype[Any], values: Any) -> None:
    if dtype == _NUMERIC:
        _fill_numeric(column, values)
    elif dtype.names is not None:
        _fill_array(column, values)
    else:
        column[...] = values


def _fill_numeric(column: npt.NDArray[Any], values: Units) -> None:
    column["digits"] = _NUMERIC_DIGITS
    column["weight"] = _NUMERIC_DIGITS - 1
    rest = values
    for place in reversed(range(_NUMERIC_DIGITS)):
        rest, digit = np.divmod(rest, np.uint64(10_000))
        column["digit"][:, place] = digit


def _fill_array(column: npt.NDArray[Any], values: Ints) -> None:
    item = column["items"]
    size = item.dtype["value"].itemsize
    column["dimensions"] = 1
    column["oid"] = _INT8_OID if size == 8 else _INT4_OID
    column["length"] = item.shape[1]
    column["lower"] = 1
    item["size"] = size
    item["value"] = values
