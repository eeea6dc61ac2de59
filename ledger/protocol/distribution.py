"""The distribution tree that pays payees, and the message that attesters sign for its root.

Leaves and pairs are OpenZeppelin's: double-hashed leaves, commutative pairs, the array layout
of StandardMerkleTree, so its JavaScript library verifies our proofs and we verify its.
Source: docs/spec/distribution.md.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from sha3 import keccak_256

from ledger.errors import OverAllocatedError
from ledger.protocol.domain import Domain, address_word, word
from ledger.protocol.keccak import keccak256

DISTRIBUTION_TYPE: Final = (
    "Distribution(uint64 rootIndex,bytes32 root,uint256 totalCumulative,uint64 throughL2Block,"
    "bytes32 throughL2BlockHash,bytes32 dataHash)"
)
HASH_BYTES: Final = 32

_TYPEHASH: Final = keccak256(DISTRIBUTION_TYPE.encode())


class Payout(NamedTuple):
    """What a payee has earned since the beginning, in base units."""

    payee: bytes
    cumulative_units: int


def leaf_hash(payee: bytes, token: bytes, cumulative_units: int) -> bytes:
    """keccak256(keccak256(abi.encode(payee, token, cumulative))): 32 bytes."""
    return keccak256(keccak256(address_word(payee), address_word(token), word(cumulative_units)))


def pair_hash(a: bytes, b: bytes) -> bytes:
    """Parent of two nodes, the same whichever comes first."""
    return keccak256(a, b) if a < b else keccak256(b, a)


def verify_proof(root: bytes, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof leads from the leaf to the root."""
    node = leaf
    for sibling in proof:
        node = pair_hash(node, sibling)
    return node == root


def proof_positions(position: int) -> list[int]:
    """Indices of the siblings from a leaf up, in a tree's `nodes`."""
    siblings = []
    while position > 0:
        siblings.append(position + 1 if position % 2 else position - 1)
        position = (position - 1) // 2
    return siblings


def proof_at(nodes: bytes, position: int) -> list[bytes]:
    """Siblings from the leaf at `position` up, out of a tree's `nodes`; empty where it is the only leaf."""
    return [nodes[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in proof_positions(position)]


class DistributionTree:
    """A Merkle tree over payouts, each payee once."""

    def __init__(self, payouts: Iterable[Payout], token: bytes) -> None:
        """Builds the tree: n leaves cost 3n hashes.

        Raises:
            OverAllocatedError: no payouts, or a payee stands twice.
        """
        self.payouts = tuple(sorted(payouts))
        """By rising payee."""
        if not self.payouts or any(a[0] == b[0] for a, b in pairwise(self.payouts)):
            raise OverAllocatedError("a distribution needs payees, each exactly once")
        leaves = _leaf_hashes(self.payouts, token)
        order = sorted(range(len(leaves)), key=leaves.__getitem__)
        last = 2 * len(leaves) - 2
        self._positions = array("I", [0]) * len(leaves)
        for rank, i in enumerate(order):
            self._positions[i] = last - rank
        self.nodes: bytes = b"".join(_levels([leaves[i] for i in reversed(order)]))
        """All 2n - 1 nodes of 32 bytes as StandardMerkleTree lays them: the root first, leaves last."""

    @property
    def root(self) -> bytes:
        """32-byte root; never zero for a non-empty tree."""
        return self.nodes[:HASH_BYTES]

    @property
    def positions(self) -> Sequence[int]:
        """Index in `nodes` of each payout's leaf, in the order of `payouts`."""
        return self._positions

    def position(self, payee: bytes) -> int:
        """Index of the payee's leaf in `nodes`.

        Raises:
            KeyError: the payee is not in the tree.
        """
        i = bisect_left(self.payouts, (payee,))
        if i == len(self.payouts) or self.payouts[i][0] != payee:
            raise KeyError(payee)
        return self._positions[i]

    @property
    def total_units(self) -> int:
        """Sum of all cumulative amounts."""
        return sum(units for _, units in self.payouts)

    def proof(self, payee: bytes) -> list[bytes]:
        """Siblings from the payee's leaf up; empty when it is the only payee.

        Raises:
            KeyError: the payee is not in the tree.
        """
        return proof_at(self.nodes, self.position(payee))


def _leaf_hashes(payouts: Iterable[tuple[bytes, int]], token: bytes) -> list[bytes]:
    """`leaf_hash` of each payout, in order; spelled out, since a million of them are made at a time."""
    head, middle, new = address_word(b""), address_word(token), keccak_256
    return [
        new(new(b"".join((head, payee, middle, units.to_bytes(32, "big")))).digest()).digest()
        for payee, units in payouts
    ]


def _levels(leaves: Sequence[bytes]) -> list[bytes]:
    """All nodes over leaves that fall; `pair_hash` spelled out as in `_leaf_hashes`."""
    new = keccak_256
    nodes = [*leaves[1:], *leaves]  # the first n - 1 are overwritten, from the last to the root
    for i in range(len(leaves) - 2, -1, -1):
        a, b = nodes[2 * i + 1], nodes[2 * i + 2]
        nodes[i] = new(a + b if a < b else b + a).digest()
    return nodes


@dataclass(frozen=True, slots=True)
class Distribution:
    """The root that a quorum signs, with what it covers."""

    root_index: int
    root: bytes
    total_cumulative_units: int
    through_l2_block: int
    through_l2_block_hash: bytes
    data_hash: bytes

    def struct_hash(self) -> bytes:
        """32-byte EIP-712 hash of the struct."""
        return keccak256(
            _TYPEHASH,
            word(self.root_index),
            self.root,
            word(self.total_cumulative_units),
            word(self.through_l2_block),
            self.through_l2_block_hash,
            self.data_hash,
        )

    def digest(self, domain: Domain) -> bytes:
        """32 bytes that an attester signs; the domain is the RoyaltyDistributor's."""
        return domain.digest(self.struct_hash())
