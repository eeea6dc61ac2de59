"""The distribution tree for any number of payees: as OpenZeppelin lays it out, every proof leads to the root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import OverAllocatedError
from ledger.protocol.distribution import (
    HASH_BYTES,
    DistributionTree,
    Payout,
    leaf_hash,
    pair_hash,
    proof_at,
    verify_proof,
)

pytestmark = pytest.mark.unit

TOKEN = b"\x70" * 20
payouts = st.dictionaries(st.binary(min_size=20, max_size=20), st.integers(1, 2**88), min_size=1, max_size=40).map(
    lambda owed: [Payout(payee, units) for payee, units in owed.items()]
)


def laid_out(leaves: list[bytes]) -> list[bytes]:
    """StandardMerkleTree's array, in the words of its documentation."""
    ordered = sorted(leaves)
    nodes = [b""] * (2 * len(ordered) - 1)
    for i, leaf in enumerate(ordered):
        nodes[len(nodes) - 1 - i] = leaf
    for i in range(len(nodes) - 1 - len(ordered), -1, -1):
        nodes[i] = pair_hash(nodes[2 * i + 1], nodes[2 * i + 2])
    return nodes


@given(payouts)
def test_nodes_positions_and_proofs_are_openzeppelins(owed: list[Payout]) -> None:
    tree = DistributionTree(owed, TOKEN)
    nodes = laid_out([leaf_hash(p.payee, TOKEN, p.cumulative_units) for p in owed])
    assert tree.nodes == b"".join(nodes)
    assert tree.root == nodes[0]
    assert tree.total_units == sum(p.cumulative_units for p in owed)
    for (payee, units), place in zip(tree.payouts, tree.positions, strict=True):
        leaf = leaf_hash(payee, TOKEN, units)
        assert nodes[place] == leaf
        assert tree.position(payee) == place
        assert tree.proof(payee) == proof_at(tree.nodes, place)
        assert verify_proof(tree.root, leaf, tree.proof(payee))
        assert not verify_proof(tree.root, leaf_hash(payee, TOKEN, units + 1), tree.proof(payee))


@given(payouts, st.randoms(use_true_random=False))
def test_the_order_of_payees_changes_nothing(owed: list[Payout], random) -> None:
    shuffled = list(owed)
    random.shuffle(shuffled)
    tree, other = DistributionTree(owed, TOKEN), DistributionTree(shuffled, TOKEN)
    assert (tree.nodes, tree.payouts, list(tree.positions)) == (other.nodes, other.payouts, list(other.positions))


@given(payouts, st.binary(min_size=20, max_size=20))
def test_a_stranger_has_no_place(owed: list[Payout], stranger: bytes) -> None:
    tree = DistributionTree(owed, TOKEN)
    if stranger not in {p.payee for p in owed}:
        with pytest.raises(KeyError):
            tree.position(stranger)


def test_one_payee_is_the_root_and_needs_no_proof() -> None:
    tree = DistributionTree([Payout(b"\x01" * 20, 5)], TOKEN)
    assert tree.nodes == tree.root == leaf_hash(b"\x01" * 20, TOKEN, 5)
    assert len(tree.nodes) == HASH_BYTES
    assert tree.proof(b"\x01" * 20) == []


@pytest.mark.parametrize("owed", [[], [Payout(b"\x01" * 20, 5), Payout(b"\x01" * 20, 6)]])
def test_nobody_and_a_payee_twice_are_refused(owed: list[Payout]) -> None:
    with pytest.raises(OverAllocatedError):
        DistributionTree(owed, TOKEN)
