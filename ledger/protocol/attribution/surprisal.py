"""How much a unit says about its origin: its surprisal in ordinary text, from a committed table.

Source: docs/spec/attribution.md, "Surprisal".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ledger.errors import MalformedInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADING: Final = "tributary surprisal 1"


class Surprisal:
    """Thousandths of a bit for each unit; one that the table lacks is as surprising as it is long, up to a cap."""

    def __init__(self, known: dict[str, int], *, unknown_millibits_per_character: int, most_millibits: int) -> None:
        self.known = known
        self.per_character = unknown_millibits_per_character
        self.most = most_millibits

    def millibits(self, unit: str) -> int:
        """Surprisal of a unit, at least 1 and at most the cap."""
        known = self.known.get(unit)
        return known if known is not None else min(self.most, self.per_character * len(unit))

    def of(self, units: Sequence[str]) -> list[int]:
        """Surprisal of each unit."""
        known, each, most = self.known, self.per_character, self.most
        return [known[unit] if unit in known else min(most, each * len(unit)) for unit in units]


def parse_surprisal(table: bytes) -> dict[str, int]:
    """Unit to thousandths of a bit, from a committed table of lines `millibits unit unit …`.

    Raises:
        MalformedInputError: not such a table, or a unit stands in it twice.
    """
    known: dict[str, int] = {}
    try:
        heading, *lines = table.decode().splitlines()
        if heading != HEADING:
            raise MalformedInputError("this is not a surprisal table")
        for line in lines:
            millibits, *units = line.split(" ")
            for unit in units:
                if unit in known or int(millibits) < 1:
                    raise MalformedInputError(f"the surprisal table is wrong at {unit!r:.40}")
                known[unit] = int(millibits)
    except ValueError as error:
        raise MalformedInputError("the surprisal table can't be read") from error
    return known
