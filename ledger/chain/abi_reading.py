"""ABI-encoded bytes to Python values, strictly: the fast path under every log and every answer.

A reader is composed once per type and then only slices and converts; a generic decoder builds
the type tree again for each value (bench: `./scripts/bench`). Addresses and bytesN become bytes,
integers int, strings str, arrays tuples, structs the dataclass registered for their name.

Text on a chain is whatever bytes somebody sent: what is not UTF-8, and NUL, which PostgreSQL
can't keep, is read as U+FFFD, so that no stranger's text can stop a reader.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledger.chain.abi_columns import ReadColumn, column_reader
from ledger.chain.structs import STRUCTS
from ledger.errors import MalformedLogError

WORD: Final = 32
_ARRAY: Final = re.compile(r"^(.*)\[(\d*)\]$")
_ADDRESS_PAD: Final = bytes(12)

Read = Callable[[bytes, int], Any]
"""(encoding, position of this value) -> value."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How to read one type; `head_bytes` is its size in its container's head."""

    read: Read
    head_bytes: int = WORD
    dynamic: bool = False
    column: ReadColumn | None = None
    """Reads many values at once, where the type is one word."""


def list_reader(readers: Sequence[Reader]) -> Callable[[bytes], list[Any]]:
    """What reads an argument list again and again; places are worked out once if nothing moves."""
    if any(reader.dynamic for reader in readers):
        return lambda encoding: list(read_values(readers, encoding))
    places, at = [], 0
    for reader in readers:
        places.append((reader.read, at))
        at += reader.head_bytes
    return lambda encoding: [read(encoding, place) for read, place in places]


def read_values(readers: Sequence[Reader], encoding: bytes) -> tuple[Any, ...]:
    """The values of an argument list.

    Raises:
        MalformedLogError: too short, bad padding, out of range, or an offset outside.
    """
    values, at = [], 0
    for reader in readers:
        values.append(_component(reader, encoding, 0, at))
        at += reader.head_bytes
    return tuple(values)


def reader_of(raw: dict[str, Any]) -> Reader:
    """The reader of a parameter as the ABI JSON describes it."""
    kind = str(raw["type"])
    array = _ARRAY.match(kind)
    if array:
        element = reader_of({**raw, "type": array[1], "internalType": _element(raw)})
        return _fixed_array(element, int(array[2])) if array[2] else _array(element)
    if kind == "tuple":
        return _struct(raw)
    return _elementary(kind)


def _element(raw: dict[str, Any]) -> str:
    """Solidity's name of an array's element type."""
    return str(raw.get("internalType", "")).rpartition("[")[0]


def _elementary(kind: str) -> Reader:
    if kind in ("string", "bytes"):
        return Reader(_read_text if kind == "string" else _read_bytes, dynamic=True)
    column = column_reader(kind)
    if kind == "address":
        return Reader(_read_address, column=column)
    if kind == "bool":
        return Reader(lambda data, at: bool(_unsigned(data, at, 1)), column=column)
    if kind.startswith("uint"):
        bits = int(kind[4:])
        return Reader(lambda data, at: _unsigned(data, at, bits), column=column)
    if kind.startswith("bytes"):
        size = int(kind[5:])
        return Reader(lambda data, at: _fixed_bytes(data, at, size), column=column)
    raise ValueError(f"no contract of the protocol uses {kind}")


def _word(data: bytes, at: int) -> bytes:
    word = data[at : at + WORD]
    if len(word) != WORD:
        raise MalformedLogError("The encoding ends too early.")
    return word


def _unsigned(data: bytes, at: int, bits: int) -> int:
    value = int.from_bytes(_word(data, at))
    if value >> bits:
        raise MalformedLogError(f"A number does not fit uint{bits}.")
    return value


def _read_address(data: bytes, at: int) -> bytes:
    word = _word(data, at)
    if word[:12] != _ADDRESS_PAD:
        raise MalformedLogError("An address is longer than 20 bytes.")
    return word[12:]


def _fixed_bytes(data: bytes, at: int, size: int) -> bytes:
    word = _word(data, at)
    if any(word[size:]):
        raise MalformedLogError(f"A bytes{size} is not padded with zeros.")
    return word[:size]


def _size(data: bytes, at: int) -> int:
    """A length or offset, bounded by the encoding, so that no claim makes a reader allocate."""
    value = int.from_bytes(_word(data, at))
    if value > len(data):
        raise MalformedLogError("A length or offset points outside the encoding.")
    return value


def _read_bytes(data: bytes, at: int) -> bytes:
    size = _size(data, at)
    value = data[at + WORD : at + WORD + size]
    if len(value) != size:
        raise MalformedLogError("The encoding ends too early.")
    return value


def _read_text(data: bytes, at: int) -> str:
    return _read_bytes(data, at).decode("utf-8", "replace").replace("\0", "\ufffd")


def _component(reader: Reader, data: bytes, start: int, at: int) -> Any:
    """A value whose head is at `at`, in a container whose encoding begins at `start`."""
    return reader.read(data, start + _size(data, at)) if reader.dynamic else reader.read(data, at)


def _sequence(reader: Reader, data: bytes, start: int, count: int) -> tuple[Any, ...]:
    if count * reader.head_bytes > len(data) - start:
        raise MalformedLogError("An array is longer than its encoding.")
    step = reader.head_bytes
    return tuple(_component(reader, data, start, start + i * step) for i in range(count))


def _array(element: Reader) -> Reader:
    def read(data: bytes, at: int) -> Any:
        return _sequence(element, data, at + WORD, _size(data, at))

    return Reader(read, dynamic=True)


def _fixed_array(element: Reader, count: int) -> Reader:
    def read(data: bytes, at: int) -> Any:
        return _sequence(element, data, at, count)

    size = WORD if element.dynamic else count * element.head_bytes
    return Reader(read, size, element.dynamic)


def _struct(raw: dict[str, Any]) -> Reader:
    readers = [reader_of(component) for component in raw["components"]]
    solidity_name = str(raw.get("internalType", "")).rpartition(".")[2].rpartition(" ")[2]
    make: Callable[..., Any] = STRUCTS.get(solidity_name, _as_tuple)
    places: list[tuple[Reader, int]] = []
    at = 0
    for reader in readers:
        places.append((reader, at))
        at += reader.head_bytes
    dynamic = any(reader.dynamic for reader in readers)

    def read(data: bytes, start: int) -> Any:
        return make(*(_component(reader, data, start, start + head) for reader, head in places))

    return Reader(read, WORD if dynamic else at, dynamic)


def _as_tuple(*values: Any) -> tuple[Any, ...]:
    return values
