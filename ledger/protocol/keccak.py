"""Keccak-256 as Ethereum uses it (not SHA3-256: the padding differs)."""

import sha3


def keccak256(*parts: bytes) -> bytes:
    """32-byte digest of the parts laid end to end."""
    state = sha3.keccak_256()
    for part in parts:
        state.update(part)
    return bytes(state.digest())
