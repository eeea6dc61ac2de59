"""Many 32-byte words of one elementary type at once: what `abi_reading` reads one by one, checked by numpy.

A column reader answers None where any of the words is not of its type; the caller then reads them singly and finds
out which.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

WORD: Final = 32

ReadColumn = Callable[[Sequence[bytes]], list[Any] | None]
"""Words of 32 bytes -> their values, or None if one is malformed."""


def column_reader(kind: str) -> ReadColumn | None:
    """What reads columns of an elementary type; None for types that are not one word."""
    if kind == "address":
        return _addresses
    if kind == "bool":
        return _booleans
    if kind.startswith("uint"):
        bits = int(kind[4:])
        return lambda words: _unsigned(words, bits)
    if kind.startswith("bytes") and kind != "bytes":
        size = int(kind[5:])
        return lambda words: None if _table(words)[:, size:].any() else [word[:size] for word in words]
    return None


def _table(words: Sequence[bytes]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"".join(words), np.uint8).reshape(-1, WORD)


def _addresses(words: Sequence[bytes]) -> list[Any] | None:
    return None if _table(words)[:, :12].any() else [word[12:] for word in words]


def _booleans(words: Sequence[bytes]) -> list[Any] | None:
    numbers = _unsigned(words, 1)
    return None if numbers is None else list(map(bool, numbers))


def _unsigned(words: Sequence[bytes], bits: int) -> list[Any] | None:
    table = _table(words)
    if bits % 8 == 0:
        fits = not table[:, : WORD - bits // 8].any()
    else:
        fits = not table[:, :-1].any() and not (table[:, -1] >> bits).any()
    if not fits:
        return None
    if bits > 64:
        return [int.from_bytes(word) for word in words]
    numbers: list[Any] = np.ascontiguousarray(table[:, -8:]).view(">u8")[:, 0].tolist()
    return numbers
