"""Contributor lists, from the registry's logs alone: rows counted, weighed and hashed again.

Source: docs/spec/contributors.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from audit.chain.events import Event, of
from audit.difference import Differences, Place
from ledger.protocol.keccak import keccak256

TAG: Final = keccak256(b"Tributary contributor list")[:16]
"""How the payee address of every list begins; its last four bytes are the list's id."""


@dataclass(slots=True)
class List:
    """A list as far as it is published: (contributor, weight) in the order of the log."""

    list_id: int
    root: bytes
    count: int
    total_weight: int
    rows: list[tuple[bytes, int]] = field(default_factory=list)
    completed_at: tuple[int, int] | None = None
    """(block, log index) at which the registry called it complete."""

    @property
    def weight(self) -> int:
        """Sum of the weights that are published."""
        return sum(weight for _, weight in self.rows)

    def divide(self, share: int) -> list[tuple[bytes, int]]:
        """What each contributor gets of a share, in units of 1e-12: between the floors of two running sums."""
        parts, before, total = [], 0, self.weight
        for contributor, weight in self.rows:
            upto = before + weight
            part = int(Fraction(share * upto, total)) - int(Fraction(share * before, total))
            parts.append((contributor, part))
            before = upto
        return parts


Lists = Mapping[bytes, List]
"""Complete lists by their payee addresses."""


def is_list(payee: bytes) -> bool:
    """Whether a payee stands for a list."""
    return payee[:16] == TAG


def root(rows: Sequence[tuple[bytes, int]]) -> bytes:
    """Root of the tree over the rows, as RFC 9162 defines it: a power of two on the left, the rest on the right."""
    if len(rows) == 1:
        contributor, weight = rows[0]
        return keccak256(contributor, weight.to_bytes(12))
    left = 1 << (len(rows) - 1).bit_length() - 1
    return keccak256(root(rows[:left]), root(rows[left:]))


def read_lists(events: Iterable[Event], differences: Differences) -> Lists:
    """Every complete list by its payee address.

    Args:
        events: of all contracts, in chain order.
        differences: where the audit's findings go.
    """
    lists: dict[int, List] = {}
    names = ("ContributorsOpened", "ContributorsPublished", "ContributorsCompleted")
    for event in of(events, "AttributionRegistry", *names):
        list_id: int = event.args["listId"]
        if event.name == "ContributorsOpened":
            differences.compare(_place(list_id), "listId", len(lists) + 1, list_id)
            lists[list_id] = List(list_id, event.args["root"], event.args["count"], event.args["totalWeight"])
        elif list_id not in lists:
            differences.note(_place(list_id), "its opening", "in the log before", "nowhere")
        elif event.name == "ContributorsPublished":
            _publish(lists[list_id], event, differences)
        else:
            _complete(lists[list_id], event, differences)
    return {TAG + one.list_id.to_bytes(4): one for one in lists.values() if one.completed_at is not None}


def _place(list_id: int) -> Place:
    return Place("contributors", f"contributor list {list_id}")


def _publish(one: List, event: Event, differences: Differences) -> None:
    place = _place(one.list_id)
    differences.compare(place, "first", len(one.rows), event.args["first"])
    differences.compare(place, "weightBefore", one.weight, event.args["weightBefore"])
    for row in event.args["rows"]:
        contributor, weight = row[:20], int.from_bytes(row[20:])
        last = one.rows[-1][0] if one.rows else bytes(20)
        if contributor <= last or is_list(contributor) or weight == 0:
            differences.note(place, f"row {len(one.rows)}", "a later payee with a weight", row)
        one.rows.append((contributor, weight))


def _complete(one: List, event: Event, differences: Differences) -> None:
    place = _place(one.list_id)
    differences.compare(place, "rows", one.count, len(one.rows))
    differences.compare(place, "total weight", one.total_weight, one.weight)
    if one.rows:
        differences.compare(place, "root", one.root, root(one.rows))
        one.completed_at = (event.block, event.index)
