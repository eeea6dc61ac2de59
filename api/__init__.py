"""Postgres out to readers: royalties, receipts, batches, proofs and the conservation identity, over HTTP.

In: the indexer's tables, and what settlement publishes (files, proofs). Out: JSON under /v1, each number with its
finality and the block it stands on. It never talks to a chain and never writes: its connection is read-only.

Invariants: one answer is read in one snapshot of the database, so its numbers fit together; an amount is a decimal
string of base units; an address is EIP-55. A crash leaves nothing behind; start it again.
"""
