"""The distribution tree that pays payees, and the message that attesters sign for its root.

Leaves and pairs are OpenZeppelin's: double-hashed leaves, commutative pairs, the array layout
of StandardMerkleTree, so its JavaScript library verifies our proofs and we verify its.
Source: docs/spec/distribution.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ledger.errors import OverAllocatedError
from ledger.protocol.domain import Domain, address_word, word
from ledger.protocol.keccak import keccak256

DISTRIBUTION_TYPE: Final = (
    "Distribution(uint64 rootIndex,bytes32 root,uint256 totalCumulative,uint64 throughL2Block,"
    "bytes32 throughL2BlockHash,bytes32 dataHash)"
)
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


class DistributionTree:
    """A Merkle tree over payouts, each payee once."""

    def __init__(self, payouts: Iterable[Payout], token: bytes) -> None:
        """Builds the tree: n leaves cost 3n hashes.

        Raises:
            OverAllocatedError: no payouts, or a payee stands twice.
        """
        self.payouts = tuple(Payout(*p) for p in payouts)
        if not self.payouts or len({p.payee for p in self.payouts}) != len(self.payouts):
            raise OverAllocatedError("a distribution needs payees, each exactly once")
        hashed = sorted((leaf_hash(p.payee, token, p.cumulative_units), p) for p in self.payouts)
        size = 2 * len(hashed) - 1
        nodes: list[bytes] = [b""] * size
        self._position: dict[bytes, int] = {}
        for i, (leaf, payout) in enumerate(hashed):
            nodes[size - 1 - i] = leaf
            self._position[payout.payee] = size - 1 - i
        for i in range(size - 1 - len(hashed), -1, -1):
            nodes[i] = pair_hash(nodes[2 * i + 1], nodes[2 * i + 2])
        self.nodes: tuple[bytes, ...] = tuple(nodes)
        """All 2n - 1 nodes as StandardMerkleTree lays them: the root first, leaves last."""

    @property
    def root(self) -> bytes:
        """32-byte root; never zero for a non-empty tree."""
        return self.nodes[0]

    def position(self, payee: bytes) -> int:
        """Index of the payee's leaf in `nodes`.

        Raises:
            KeyError: the payee is not in the tree.
        """
        return self._position[payee]

    @property
    def total_units(self) -> int:
        """Sum of all cumulative amounts."""
        return sum(p.cumulative_units for p in self.payouts)

    def proof(self, payee: bytes) -> list[bytes]:
        """Siblings from the payee's leaf up; empty when it is the only payee.

        Raises:
            KeyError: the payee is not in the tree.
        """
        return [self.nodes[i] for i in proof_positions(self.position(payee))]


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
