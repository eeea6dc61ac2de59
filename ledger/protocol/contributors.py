"""Contributor lists: thousands who are paid as one payee, by weight.

A list is committed to by a Merkle root and published row by row in the registry's log. A complete list
has a payee address, in a range that nobody holds a key to; an effective share of that payee is divided
among the contributors. Source: docs/spec/contributors.md and docs/spec/money.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from ledger.errors import MalformedInputError
from ledger.protocol.keccak import keccak256
from ledger.protocol.units import MAX_U32, MAX_U64

MAX_CONTRIBUTORS: Final = 2**16
LIST_TAG: Final = keccak256(b"Tributary contributor list")[:16]
"""First 16 bytes of every list's payee address."""

_ADDRESS_BYTES: Final = 20
_WEIGHT_BYTES: Final = 12
ROW_BYTES: Final = _ADDRESS_BYTES + _WEIGHT_BYTES


class Contributor(NamedTuple):
    """Who is paid through a list, and by which weight: a positive integer of any scale."""

    address: bytes
    weight: int


def list_payee(list_id: int) -> bytes:
    """The address by which an asset's terms name a list: 20 bytes."""
    return LIST_TAG + list_id.to_bytes(4)


def is_list_payee(payee: bytes) -> bool:
    """Whether an address stands for a contributor list, not for somebody with a key."""
    return payee.startswith(LIST_TAG)


def list_id_of(payee: bytes) -> int | None:
    """The list that a payee address stands for; None for any other payee."""
    return int.from_bytes(payee[len(LIST_TAG) :]) if is_list_payee(payee) else None


def row_of(contributor: Contributor) -> bytes:
    """A contributor as it is published: address, then weight, 32 bytes."""
    return contributor.address + contributor.weight.to_bytes(_WEIGHT_BYTES)


def read_row(row: bytes) -> Contributor:
    """The contributor in a published row.

    Raises:
        MalformedInputError: not 32 bytes.
    """
    if len(row) != ROW_BYTES:
        raise MalformedInputError(f"a row of a contributor list has {ROW_BYTES} bytes, not {len(row)}")
    return Contributor(row[:_ADDRESS_BYTES], int.from_bytes(row[_ADDRESS_BYTES:]))


def check_list(contributors: Iterable[Contributor]) -> tuple[Contributor, ...]:
    """The contributors as a list that the registry takes: rising by address.

    Raises:
        MalformedInputError: none or more than 65,536; one twice; the zero address, or another list's
            payee address; a weight below 1; weights that sum to 2^64 or more.
    """
    rising = tuple(sorted(contributors))
    if not 1 <= len(rising) <= MAX_CONTRIBUTORS:
        raise MalformedInputError(f"a contributor list has 1 to {MAX_CONTRIBUTORS:,} contributors, not {len(rising):,}")
    for (before, _), (after, _) in pairwise(rising):
        if before == after:
            raise MalformedInputError(f"0x{after.hex()} stands twice in the contributor list")
    for address, weight in rising:
        if not any(address) or is_list_payee(address):
            raise MalformedInputError(f"0x{address.hex()} can't be paid: it is nobody's address")
        if weight < 1:
            raise MalformedInputError(f"0x{address.hex()} has a weight below 1 in the contributor list")
    if sum(weight for _, weight in rising) > MAX_U64:
        raise MalformedInputError("the weights of a contributor list sum to less than 2^64")
    return rising


def contributors_root(contributors: Sequence[Contributor]) -> bytes:
    """Root of the list's Merkle tree: RFC 9162's, with keccak256 and leaves keccak256(row)."""
    level = [keccak256(row_of(contributor)) for contributor in contributors]
    while len(level) > 1:
        # A last node without a sibling rises unchanged: that is RFC 9162's tree, level by level.
        paired = [keccak256(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def apportion(share: int, weights: Iterable[int], total: int) -> Iterator[int]:
    """What each weight gets of a share, in order; together exactly the share, each less than 1 off.

    Contributor i gets floor(share x C_i / W) - floor(share x C_(i-1) / W), C_i being the sum of the
    weights up to and with its own, W of all.

    Args:
        share: an effective share, in units of 1e-12.
        weights: in the list's order.
        total: their sum.
    """
    cumulative, given = 0, 0
    for weight in weights:
        cumulative += weight
        upto = share * cumulative // total
        yield upto - given
        given = upto


class ContributorList:
    """A complete list, ready to divide what falls to it."""

    __slots__ = ("contributors", "list_id", "total_weight")

    def __init__(self, list_id: int, contributors: Iterable[Contributor]) -> None:
        """Take the rows in the order in which they were published."""
        if not 1 <= list_id <= MAX_U32:
            raise MalformedInputError(f"there is no contributor list {list_id}")
        self.list_id = list_id
        self.contributors = tuple(contributors)
        self.total_weight = sum(weight for _, weight in self.contributors)

    @property
    def payee(self) -> bytes:
        """The address by which terms name it."""
        return list_payee(self.list_id)

    def divide(self, share: int) -> Iterator[tuple[bytes, int]]:
        """(contributor, units of 1e-12) of an effective share, zero parts too; they sum to the share."""
        parts = apportion(share, (weight for _, weight in self.contributors), self.total_weight)
        return zip((address for address, _ in self.contributors), parts, strict=True)
