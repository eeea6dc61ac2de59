"""Writes the fold table of attribution (docs/spec/attribution.md, "Units") from this Python's Unicode data.

The shipped table is that of Unicode 14.0, which Python 3.11 has. Its hash is a parameter of the method, so another
table is another method: this program is how the shipped one came about, not a step of building.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

VERSION = "14.0.0"
HANGUL = range(0xAC00, 0xD7A4)
INVISIBLE = {
    0x0000, 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x3164, *range(0xFE00, 0xFE10), 0xFFA0,
    *range(0xE0000, 0xE1000),
}  # fmt: skip
ALONE = (
    range(0x0E00, 0x0F00), range(0x1000, 0x10A0), range(0x1780, 0x1800), range(0x3040, 0x3130), range(0x31A0, 0x31C0),
    range(0x31F0, 0x3200), range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xA000, 0xA4D0), range(0x17000, 0x18D80),
    range(0x1B000, 0x1B300), range(0x20000, 0x32000),
)  # fmt: skip


def folded(code_point: int) -> list[int]:
    """Decomposed for compatibility, without case, marks and invisible characters; separators as spaces."""
    text = chr(code_point)
    for _ in range(3):
        text = unicodedata.normalize("NFKD", text).casefold()
    text = unicodedata.normalize("NFKD", text)
    return [seen(character) for character in text if not dropped(character)]


def dropped(character: str) -> bool:
    return bool(
        unicodedata.combining(character) or unicodedata.category(character) == "Cf" or ord(character) in INVISIBLE
    )


def seen(character: str) -> int:
    return ord(character) if unicodedata.category(character)[0] in "LMN" else 0x20


def lines() -> list[str]:
    identity: list[int] = []
    alone: list[int] = []
    nothing: list[int] = []
    mapped: list[str] = []
    for code_point in range(sys.maxunicode + 1):
        if 0xD800 <= code_point < 0xE000 or code_point in HANGUL:
            continue
        target = folded(code_point)
        if target == [0x20]:
            continue
        if target == [code_point]:
            (alone if any(code_point in script for script in ALONE) else identity).append(code_point)
        elif not target:
            nothing.append(code_point)
        elif set(target) != {0x20}:
            mapped.append("> " + " ".join(f"{part:04X}" for part in [code_point, *target]))
    return [*ranges("=", identity), *ranges("!", alone), *ranges("-", nothing), *mapped]


def ranges(kind: str, numbers: list[int]) -> list[str]:
    """`kind first last` for each run of consecutive numbers; `kind number` where it is one."""
    written: list[str] = []
    first = previous = None
    for number in [*numbers, None]:
        if previous is not None and number == previous + 1:
            previous = number
            continue
        if first is not None:
            written.append(f"{kind} {first:04X}" + (f" {previous:04X}" if previous != first else ""))
        first = previous = number
    return written


if __name__ == "__main__":
    if unicodedata.unidata_version != VERSION:
        sys.exit(f"This Python has Unicode {unicodedata.unidata_version}; the table is of {VERSION} (Python 3.11).")
    Path(sys.argv[1]).write_text("\n".join(["tributary fold 1", *lines()]) + "\n")
