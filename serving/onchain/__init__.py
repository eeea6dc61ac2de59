"""What the gateway takes from the L2: assets, prices, terms, lane keys and payers' escrow accounts.

Everything is read ahead and kept with the time until which it is certain, so that no request waits for a node.
"""
