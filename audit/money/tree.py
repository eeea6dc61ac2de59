"""The Merkle tree of a distribution, built again from payees and amounts.

The leaf is keccak256(keccak256(abi.encode(payee, token, cumulative))); leaves are sorted and laid, last first, into the
second half of an array; a parent is the hash of its two children, the smaller one first (OpenZeppelin's
StandardMerkleTree). Source: docs/spec/contracts.md.
"""

from collections.abc import Mapping

from eth_abi.abi import encode

from ledger.protocol.keccak import keccak256


def leaf(payee: bytes, token: bytes, cumulative_units: int) -> bytes:
    """32-byte leaf of one payee."""
    return keccak256(keccak256(encode(["address", "address", "uint256"], [payee, token, cumulative_units])))


def root(cumulative_units: Mapping[bytes, int], token: bytes) -> bytes:
    """Root of the tree over these payees; 32 zero bytes when there are none."""
    level = sorted((leaf(payee, token, units) for payee, units in cumulative_units.items()), reverse=True)
    inner = len(level) - 1
    nodes = [b""] * inner + level
    for at in range(inner - 1, -1, -1):
        children = sorted(nodes[2 * at + 1 : 2 * at + 3])
        nodes[at] = keccak256(*children)
    return nodes[0] if nodes else bytes(32)
