"""Columns of statements as PostgreSQL's binary arrays.

A commit of one request has forty columns. psycopg finds out what a list holds each time it sees one, which took a commit
longer than the rest of it; here the type of each column is known.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from psycopg.adapt import Dumper
from psycopg.pq import Format
from typing_extensions import override

_ARRAY: Final = struct.Struct(">iiiii")
_EMPTY: Final = struct.Struct(">iii")
_LENGTH: Final = struct.Struct(">i")
_NUMERIC: Final = struct.Struct(">HhHH")
_NUMERIC_BASE: Final = 10_000


class Column(bytes):
    """A one-dimensional array in PostgreSQL's binary form; the statement's cast says of what type."""


class ColumnDumper(Dumper):
    """Hands a column on as it is."""

    format = Format.BINARY
    oid = 0

    @override
    def dump(self, obj: Column) -> Column:
        return obj


Writer: TypeAlias = Callable[[Sequence[Any]], Column]


def _fixed(element_oid: int, form: str) -> Writer:
    """Columns whose values all take the same room."""
    element = struct.Struct(">i" + form)
    size = element.size - _LENGTH.size
    head_of_one = _ARRAY.pack(1, 0, element_oid, 1, 1)

    def write(values: Sequence[Any]) -> Column:
        if len(values) == 1:  # at a model's pace nearly every commit is of one request
            return Column(head_of_one + element.pack(size, values[0]))
        return _column(element_oid, len(values), [element.pack(size, value) for value in values])

    return write


def _counted(element_oid: int, encoded: Callable[[Any], bytes]) -> Writer:
    """Columns whose values say how long they are."""
    head_of_one = _ARRAY.pack(1, 0, element_oid, 1, 1)

    def write(values: Sequence[Any]) -> Column:
        if len(values) == 1:
            content = encoded(values[0])
            return Column(head_of_one + _LENGTH.pack(len(content)) + content)
        parts: list[bytes] = []
        for value in values:
            content = encoded(value)
            parts += (_LENGTH.pack(len(content)), content)
        return _column(element_oid, len(values), parts)

    return write


def _column(element_oid: int, count: int, parts: list[bytes]) -> Column:
    if not count:
        return Column(_EMPTY.pack(0, 0, element_oid))
    return Column(b"".join((_ARRAY.pack(1, 0, element_oid, count, 1), *parts)))


def _whole_number(value: int) -> bytes:
    """An integer as numeric: digits to the base of 10,000, the highest first."""
    digits, left = [], abs(value)
    while left:
        left, digit = divmod(left, _NUMERIC_BASE)
        digits.append(digit)
    weight = max(0, len(digits) - 1)
    head = _NUMERIC.pack(len(digits), weight, 0x4000 if value < 0 else 0, 0)
    return head + struct.pack(f">{len(digits)}H", *reversed(digits))


texts: Final = _counted(25, str.encode)
byteas: Final = _counted(17, bytes)
numerics: Final = _counted(1700, _whole_number)
bigints: Final = _fixed(20, "q")
integers: Final = _fixed(23, "i")
smallints: Final = _fixed(21, "h")
booleans: Final = _fixed(16, "?")
