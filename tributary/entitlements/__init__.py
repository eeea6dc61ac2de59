"""Everybody's entitlements, straight from an L2's logs and the blob archive, on one machine or on a cluster.

In: finalised logs of AttributionRegistry, Operators and ReceiptLedger, and blobs, each checked against its versioned
hash. Out: the entitlements that `tributary settle` would distribute for the same block, to the unit, with no database
in between.

A batch is judged and summed by the indexer's own functions, and sums become numerators by
`ledger.protocol.entitlement.numerators`: the rule is written once. Both steps only add integers, so they run batch by
batch in any order, wherever an engine puts them.
"""
