"""Rows of the index in, payments out: who is owed what, a root that a quorum signs, claims pushed to payees.

In: batches that are finalised on L2 in finalised blocks, their per-batch sums, terms and effective shares; nothing
of the gateway's own records. Out: a root in RoyaltyDistributor, a distribution file, payments, one row of state for
each distribution.

Invariants: an amount is divided once, when it is published; no payee's cumulative amount ever falls; nothing is
signed that the signer has not computed itself; each transaction is in the database, byte for byte, before it is
sent. After a crash, run it again: it goes on from the recorded state, and because the contract's amounts are
cumulative, an effect that happens twice pays once.
"""
