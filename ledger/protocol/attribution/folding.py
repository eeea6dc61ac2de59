"""Text to units: the words that attribution compares, the same for every spelling of the same text.

Each code point is replaced by itself alone, whatever stands beside it, so a text and its four
Unicode normal forms, its upper and lower case, with or without accents and invisible characters,
have the same units. The replacements are a table of their own: no library's Unicode version plays a part.
Source: docs/spec/attribution.md, "Units".
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.errors import MalformedInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADING: Final = "tributary fold 1"
UNIT_CHARACTERS: Final = 64
"""A longer run of word characters is cut into units of this many code points."""

_WORD: Final = re.compile(r"[^ ]+")
_HANGUL: Final = range(0xAC00, 0xD7A4)
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^u])", re.DOTALL
)
ESCAPED_FILES: Final = (".json", ".jsonl", ".ndjson")
"""Files in which a backslash escapes, as in JSON."""


class PlacedUnit(NamedTuple):
    """A unit and the bytes (or characters) that it was folded from: `start` up to, not including, `end`."""

    text: str
    start: int
    end: int


class Folding(dict[int, str]):
    """What each code point becomes: word characters, nothing, or the space that ends a unit."""

    def __missing__(self, code_point: int) -> str:
        """A separator: whatever the table does not list."""
        return " "

    @classmethod
    def parse(cls, table: bytes) -> Folding:
        """The replacements in a committed table.

        Raises:
            MalformedInputError: not such a table.
        """
        try:
            heading, *lines = table.decode("ascii").splitlines()
            if heading != HEADING:
                raise MalformedInputError("this is not a fold table")
            return cls(_replacements(lines))
        except (ValueError, IndexError) as error:
            raise MalformedInputError("the fold table can't be read") from error

    def units(self, text: str) -> list[str]:
        """The units of a text, in order."""
        words = text.translate(self).split()
        if all(len(word) <= UNIT_CHARACTERS for word in words):
            return words
        return [piece for word in words for piece in _pieces(word)]

    def placed_units(self, text: str) -> list[PlacedUnit]:
        """The units with the characters that they stand for; characters that fold to nothing count to the left."""
        folds = [self[ord(character)] for character in text]
        ends = list(accumulate(map(len, folds)))
        return [
            PlacedUnit(piece, bisect_right(ends, start), bisect_right(ends, start + len(piece) - 1) + 1)
            for match in _WORD.finditer("".join(folds))
            for start, piece in _placed_pieces(match.start(), match[0])
        ]


def text_bytes(content: bytes, path: str) -> bytes:
    r"""A file's bytes as text: in JSON files an escape is what it stands for, at unchanged length.

    `\u0041` becomes `A` and five NUL bytes, which fold to nothing; any other escape two spaces.
    """
    return _ESCAPE.sub(_unescaped, content) if path.endswith(ESCAPED_FILES) else content


def decoded(content: bytes) -> str:
    """Bytes as a string: UTF-8, and each byte of an ill-formed sequence a lone surrogate (a separator)."""
    return content.decode("utf-8", "surrogateescape")


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    if escape[1:2] != b"u":
        return b"  "
    units = bytes.fromhex(escape.replace(b"\\u", b"").decode())
    character = units.decode("utf-16-be", "replace").encode()
    return character.ljust(len(escape), b"\0")


def _replacements(lines: list[str]) -> Mapping[int, str]:
    """Code point to replacement. Four kinds of lines: see the specification."""
    whole: dict[int, str] = {}
    alone: set[int] = set()
    mapped: list[tuple[int, list[int]]] = [(syllable, _jamo(syllable)) for syllable in _HANGUL]
    for line in lines:
        kind, *fields = line.split(" ")
        numbers = [int(field, 16) for field in fields]
        if kind == ">":
            mapped.append((numbers[0], numbers[1:]))
            continue
        span = range(numbers[0], numbers[-1] + 1)
        if kind == "!":
            alone.update(span)
        elif kind in "=-":
            whole.update({number: chr(number) if kind == "=" else "" for number in span})
        else:
            raise MalformedInputError(f"a fold table has no lines {kind!r}")
    whole.update({number: f" {chr(number)} " for number in alone})
    whole.update({number: "".join(whole.get(t, " ") for t in targets) for number, targets in mapped})
    return whole


def _jamo(syllable: int) -> list[int]:
    """Conjoining letters of a Hangul syllable (Unicode, section 3.12)."""
    index = syllable - _HANGUL.start
    letters = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
    return [*letters, 0x11A7 + index % 28] if index % 28 else letters


def _pieces(word: str) -> list[str]:
    return [word[at : at + UNIT_CHARACTERS] for at in range(0, len(word), UNIT_CHARACTERS)]


def _placed_pieces(start: int, word: str) -> list[tuple[int, str]]:
    return [(start + UNIT_CHARACTERS * number, piece) for number, piece in enumerate(_pieces(word))]
