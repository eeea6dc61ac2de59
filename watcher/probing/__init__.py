"""Probes: answers bought like any payer's, so that the watcher has receipts of its own to hold against the chain.

In: a gateway's address, a payer's key with a deposit. Out: checked receipts in the watcher's folder, and a report of
whatever in them is not as it must be. Whether they land is seen by the watch itself.
"""
