"""Differences between what must be and what was found, in the order in which the audit meets them."""

from dataclasses import dataclass, field
from typing import Final

from typing_extensions import override

KEPT: Final = 1000
"""So many differences are kept whole; the rest are only counted, so that memory stays flat."""


@dataclass(frozen=True, slots=True)
class Place:
    """What was looked at: `kind` is one word for machines, `name` what a person calls it."""

    kind: str
    name: str
    batch_id: int | None = None
    position: int | None = None
    """Index of the receipt in its batch."""
    seq: int | None = None

    @override
    def __str__(self) -> str:
        """The place in words, from the whole to the part."""
        words = [self.name]
        if self.position is not None:
            words.append(f"receipt {self.position}")
        if self.seq is not None:
            words.append(f"seq {self.seq}")
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that is not what it must be. Hashes and addresses are 0x hex, numbers decimal."""

    place: Place
    field: str
    expected: str
    found: str

    @override
    def __str__(self) -> str:
        """One sentence that names the place, the field and both readings."""
        return f"{self.place}: {self.field} must be {self.expected} but is {self.found}."

    def to_json(self) -> dict[str, str | int | None]:
        """The difference as the report's JSON has it."""
        return {
            "kind": self.place.kind,
            "place": self.place.name,
            "batch": self.place.batch_id,
            "position": self.place.position,
            "seq": self.place.seq,
            "field": self.field,
            "expected": self.expected,
            "found": self.found,
        }


@dataclass(slots=True)
class Differences:
    """All that was found. The first one kept is the first one met."""

    count: int = 0
    kept: list[Difference] = field(default_factory=list)

    def note(self, place: Place, name: str, expected: object, found: object) -> None:
        """Add a difference."""
        self.count += 1
        if len(self.kept) < KEPT:
            self.kept.append(Difference(place, name, as_text(expected), as_text(found)))

    def compare(self, place: Place, name: str, expected: object, found: object) -> bool:
        """Whether both are equal; a difference is added where they are not."""
        if expected == found:
            return True
        self.note(place, name, expected, found)
        return False

    @property
    def first(self) -> Difference | None:
        """The first difference met, or None."""
        return self.kept[0] if self.kept else None


def as_text(value: object) -> str:
    """A value for people and JSON: bytes as 0x hex, everything else by `str`."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_text(item) for item in value) + "]"
    return str(value)
