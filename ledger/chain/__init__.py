"""Everything that talks to a chain: JSON-RPC, blocks, contracts, logs, transactions, blobs.

Reads name the block they are made at. Transactions are signed before they are sent, so that a
caller can make them durable first. Addresses are 20 bytes, hashes 32 bytes, amounts int; `0x` hex
exists only on the wire.
"""
